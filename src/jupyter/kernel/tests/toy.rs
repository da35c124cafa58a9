//! The kernel over real sessions in a language that is not the product's.

use serde_json::json;

use super::client::Client;
use crate::jupyter::kernel::Launch;
use crate::language::toy::TOY;
use crate::session::{Which, toy};

#[tokio::test]
async fn a_kernel_serves_whatever_language_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let session = toy::session(dir.path(), toy::policy(), Which::Unkept);
    let mut client = Client::connect_in(&TOY, Launch::ready(session)).await;
    client.ask("kernel_info_request", json!({})).await;
    let info = client.reply().await.1;
    assert_eq!((&info["language_info"]["name"], &info["banner"]), (&json!("toy"), &json!("a toy")));
    client.expect_busy().await;
    client.expect_idle().await;

    client.execute("echo hello").await;
    client.expect_cell("echo hello", 1).await;
    client.expect_stdout("hello\n").await;
    client.expect_idle().await;
    assert_eq!(client.reply().await.1["status"], "ok");

    client.execute("fail").await;
    client.expect_cell("fail", 2).await;
    client.expect("error", json!({"ename": "ToyError", "evalue": "as told", "traceback": ["ToyError: as told"]})).await;
    client.expect_idle().await;
    assert_eq!(client.reply().await.1["ename"], "ToyError");

    client.execute("loop").await;
    client.expect_cell("loop", 3).await;
    client.ask_control("interrupt_request", json!({})).await;
    assert_eq!(client.control_reply().await.0, "interrupt_reply");
    assert_eq!(client.reply().await.1["ename"], "ToyInterrupt");
}
