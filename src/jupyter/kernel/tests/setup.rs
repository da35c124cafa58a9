//! A session that is not there yet, or never will be.

use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;

use super::client::Client;
use super::dummy;
use crate::jupyter::kernel::Launch;

#[tokio::test]
async fn a_cell_waits_for_the_session_and_shows_how_far_it_is() {
    let (progress, received) = unbounded_channel();
    let (go, gone) = oneshot::channel::<()>();
    let launch = async move { gone.await.map(|()| dummy::session()).map_err(|_| String::new()) };
    let mut client = Client::connect_to(Launch::new(launch, received)).await;
    client.ask("complete_request", json!({"code": "x"})).await;
    assert_eq!(client.reply().await.1["matches"], json!([]));
    client.expect_busy().await;
    client.expect_idle().await;

    client.execute("print a").await;
    client.expect_cell("print a", 1).await;
    progress.send("half".into()).unwrap();
    client.expect_stdout("half").await;
    client.ask_control("interrupt_request", json!({})).await;
    assert_eq!(client.reply().await.1["ename"], "KeyboardInterrupt");
    while client.published().await.0 != "error" {}

    client.execute("print b").await;
    while client.published().await.1["code"] != "print b" {}
    progress.send("done".into()).unwrap();
    client.expect_stdout("done").await;
    go.send(()).unwrap();
    drop(progress);
    client.expect("clear_output", json!({"wait": false})).await;
    client.expect_stdout("b\n").await;
    client.expect_idle().await;
}

#[tokio::test]
async fn a_session_that_cannot_start_says_why_in_each_cell() {
    let (_progress, received) = unbounded_channel();
    let launch = async { Err("the disk is full".to_owned()) };
    let mut client = Client::connect_to(Launch::new(launch, received)).await;
    for _ in 0..2 {
        client.execute("print a").await;
        assert_eq!(client.reply().await.1["evalue"], "the disk is full");
    }
}
