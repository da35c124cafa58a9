//! Input from the user.

use serde_json::{Map, Value, json};

use super::client::{Client, send};

async fn answer(client: &mut Client, value: &str) {
    let (frames, _) = client.compose("input_reply", json!({"value": value}));
    send(&mut client.stdin, frames).await;
}

#[tokio::test]
async fn a_line_is_asked_for_and_reaches_the_cell() {
    let mut client = Client::connect().await;
    client.execute("password secret?").await;
    let prompt = client.prompt().await;
    assert_eq!(prompt.content::<Value>().unwrap(), json!({"prompt": "secret?", "password": true}));
    answer(&mut client, "xyz").await;
    client.expect_cell("password secret?", 1).await;
    client.expect_stdout("got xyz\n").await;
    client.expect_idle().await;
}

#[tokio::test]
async fn the_end_of_input_is_no_line() {
    let mut client = Client::connect().await;
    client.execute("input ?").await;
    client.prompt().await;
    answer(&mut client, "\u{4}").await;
    assert_eq!(client.reply().await.1["ename"], "EOFError");
}

#[tokio::test]
async fn an_interrupt_ends_the_wait_and_a_late_answer_reaches_no_later_prompt() {
    let mut client = Client::connect().await;
    client.execute("input first").await;
    client.prompt().await;
    client.ask_control("interrupt_request", json!({})).await;
    assert_eq!(client.reply().await.1["ename"], "KeyboardInterrupt");
    answer(&mut client, "late").await;
    client.execute("input second").await;
    let second = client.prompt().await;
    // A client that says which prompt it answers is held to it.
    let (other, _) = client.compose("input_request", json!({}));
    let other = crate::jupyter::wire::Header::parse(&other[2]).unwrap();
    let signer = std::sync::Arc::new(crate::jupyter::wire::Signer::new(b"secret").unwrap());
    let author = crate::jupyter::wire::Author::new(signer, "client");
    for (parent, value) in [(&other, "wrong"), (&second.header, "right")] {
        let reply = author.compose("input_reply", Some(parent), &Map::new(), &json!({"value": value}), vec![]);
        send(&mut client.stdin, reply.frames).await;
    }
    client.expect_cell("input first", 1).await;
    while client.published().await.1["code"] != "input second" {}
    client.expect_stdout("got right\n").await;
}
