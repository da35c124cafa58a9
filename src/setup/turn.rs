//! The simplest host for a turn of our own.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::sandbox::{Allowance, Frame, GuestHost, HostCall};

/// The allowance of a turn of the host's own making.
pub fn unhurried(time: Duration) -> Allowance {
    Allowance { fuel: u64::MAX / 8, grace_fuel: 0, time: Some(time), grace: Duration::from_secs(1), sampling: None }
}

/// Hands a guest one request and keeps its reply and its text; displays and the like go nowhere.
#[derive(Debug, Default)]
pub struct Single(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    request: Option<Frame>,
    ended: Ended,
}

/// What a turn left.
#[derive(Debug, Default)]
pub struct Ended {
    /// The content of the reply.
    pub reply: Option<Map<String, Value>>,
    /// The start of what was written to fd 1 and 2.
    pub text: String,
}

/// Characters of text that are kept, for an error's sake.
const KEPT: usize = 4000;

impl Single {
    /// Puts up the request of the next turn.
    pub fn begin(&self, request: Value) {
        *self.0.lock() = State { request: Some(Frame::of(request)), ended: Ended::default() };
    }

    /// Takes what the turn left.
    pub fn end(&self) -> Ended {
        std::mem::take(&mut self.0.lock().ended)
    }
}

impl GuestHost for Single {
    fn call(&self, mut frame: Frame) -> HostCall<'_, Frame> {
        let mut state = self.0.lock();
        let answer = match frame.op() {
            "next" => state.request.take().unwrap_or_else(|| Frame::of(json!({"error": "there is no request"}))),
            "reply" => {
                state.ended.reply = match frame.json.remove("content") {
                    Some(Value::Object(content)) => Some(content),
                    _ => None,
                };
                Frame::default()
            }
            "why" => Frame::of(json!({"reason": "interrupt"})),
            _ => Frame::default(),
        };
        Box::pin(std::future::ready(answer))
    }

    fn text<'a>(&'a self, _: bool, bytes: &'a [u8]) -> HostCall<'a, ()> {
        let text = &mut self.0.lock().ended.text;
        if text.len() < KEPT {
            text.push_str(&String::from_utf8_lossy(bytes));
        }
        Box::pin(std::future::ready(()))
    }

    fn tick(&self, _: Instant) -> Option<Instant> {
        None
    }
}
