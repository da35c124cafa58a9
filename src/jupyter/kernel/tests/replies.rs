//! Requests, their replies and what goes to IOPub, in order.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::client::{Client, send};
use crate::jupyter::kernel::Exit;

#[tokio::test]
async fn a_cell_is_busy_shown_answered_and_idle_in_order() {
    let mut client = Client::connect().await;
    let code = "print a\nvalue 1\ndisplay 2\nupdate 3\nclear\nprint b";
    client.execute(code).await;
    client.expect_cell(code, 1).await;
    client.expect_stdout("a\n").await;
    let (data, transient) = (|text| json!({"text/plain": text}), json!({"display_id": "d"}));
    client.expect("execute_result", json!({"execution_count": 1, "data": data("1"), "metadata": {}})).await;
    client.expect("display_data", json!({"data": data("2"), "metadata": {}, "transient": transient})).await;
    client.expect("update_display_data", json!({"data": data("3"), "metadata": {}, "transient": transient})).await;
    client.expect("clear_output", json!({"wait": true})).await;
    client.expect_stdout("b\n").await;
    client.expect_idle().await;
    let reply = json!({"status": "ok", "user_expressions": {}, "execution_count": 1, "payload": []});
    assert_eq!(client.reply().await, ("execute_reply".to_owned(), reply));
}

#[tokio::test]
async fn silent_cells_and_those_without_history_do_not_count() {
    let mut client = Client::connect().await;
    client.ask("execute_request", json!({"code": "print a", "silent": true, "store_history": true})).await;
    client.expect_busy().await;
    client.expect_stdout("a\n").await;
    client.expect_idle().await;
    assert_eq!(client.reply().await.1["execution_count"], 0);
    client.ask("execute_request", json!({"code": "", "store_history": false})).await;
    assert_eq!(client.reply().await.1["execution_count"], 0);
    client.execute("").await;
    assert_eq!(client.reply().await.1["execution_count"], 1);
}

#[tokio::test]
async fn cells_queued_behind_an_error_are_not_run_and_everything_else_is() {
    let mut client = Client::connect().await;
    client.execute("sleep 100\nraise Boom").await;
    client.execute("print no").await;
    client.ask("is_complete_request", json!({"code": ""})).await;
    assert_eq!(client.reply().await.1["ename"], "Boom");
    let (msg_type, aborted) = client.reply().await;
    assert_eq!(
        (msg_type.as_str(), &aborted["status"], &aborted["ename"]),
        ("execute_reply", &json!("error"), &json!("ExecutionAborted"))
    );
    assert_eq!(client.reply().await.1["status"], "complete");
    client.expect_cell("sleep 100\nraise Boom", 1).await;
    client.expect("error", json!({"ename": "Boom", "evalue": "raised", "traceback": ["Boom: raised"]})).await;
    client.expect_idle().await;
    for _ in 0..2 {
        client.expect_busy().await;
        client.expect_idle().await;
    }
    client.execute("print yes").await;
    client.expect_cell("print yes", 2).await;
    client.expect_stdout("yes\n").await;
    client.expect_idle().await;
}

#[tokio::test]
async fn errors_stop_nothing_if_the_client_says_so() {
    let mut client = Client::connect().await;
    client.ask("execute_request", json!({"code": "sleep 50\nraise Boom", "stop_on_error": false})).await;
    client.execute("print yes").await;
    assert_eq!(client.reply().await.1["status"], "error");
    assert_eq!(client.reply().await.1["status"], "ok");
}

#[tokio::test]
async fn control_and_kernel_info_are_answered_while_a_cell_computes() {
    let mut client = Client::connect().await;
    client.execute("sleep 60000").await;
    client.expect_cell("sleep 60000", 1).await;
    client.ask("kernel_info_request", json!({})).await;
    let (msg_type, info) = client.reply().await;
    assert_eq!(
        (msg_type.as_str(), &info["protocol_version"]),
        ("kernel_info_reply", &json!(crate::jupyter::wire::PROTOCOL_VERSION))
    );
    client.ask_control("kernel_info_request", json!({})).await;
    assert_eq!(client.control_reply().await.1, info);
    client.ask_control("usage_request", json!({})).await;
    assert_eq!(client.control_reply().await.1["pid"], std::process::id());
    client.ask_control("interrupt_request", json!({})).await;
    assert_eq!(client.control_reply().await, ("interrupt_reply".to_owned(), json!({"status": "ok"})));
    assert_eq!(client.reply().await.1["ename"], "KeyboardInterrupt");
}

#[tokio::test]
async fn a_shutdown_is_answered_before_the_end_even_while_a_cell_computes() {
    let mut client = Client::connect().await;
    client.execute("stubborn").await;
    client.expect_cell("stubborn", 1).await;
    client.ask_control("shutdown_request", json!({"restart": true})).await;
    let reply = json!({"status": "ok", "restart": true});
    assert_eq!(client.control_reply().await, ("shutdown_reply".to_owned(), reply.clone()));
    client.expect_busy().await;
    client.expect("shutdown_reply", reply).await;
    client.expect_idle().await;
    let exit = timeout(Duration::from_secs(1), &mut client.kernel).await.unwrap().unwrap();
    assert_eq!(exit.unwrap(), Exit::Shutdown { restart: true });
}

#[tokio::test]
async fn code_can_end_the_kernel_after_its_reply() {
    let mut client = Client::connect().await;
    client.execute("exit keep").await;
    let kept = client.reply().await.1;
    assert_eq!((&kept["status"], kept.get("exit"), kept.get("keep")), (&json!("ok"), None, None));
    client.execute("exit").await;
    assert_eq!(client.reply().await.1["status"], "ok");
    let exit = timeout(Duration::from_secs(1), &mut client.kernel).await.unwrap().unwrap();
    assert_eq!(exit.unwrap(), Exit::AskedByGuest);
}

#[tokio::test]
async fn what_is_unsigned_replayed_or_unreadable_stops_nothing() {
    let mut client = Client::connect().await;
    let (mut forged, _) = client.compose("execute_request", json!({"code": "print forged"}));
    forged[5] = br#"{"code":"print other"}"#.as_slice().into();
    send(&mut client.shell, forged).await;
    send(&mut client.shell, vec![b"nonsense".as_slice().into()]).await;
    let (signed, _) = client.compose("execute_request", json!({"code": "print once"}));
    send(&mut client.shell, signed.clone()).await;
    send(&mut client.shell, signed).await;
    client.ask("odd_request", json!([1])).await;
    client.ask("execute_request", json!({"code": [1]})).await;
    client.expect_cell("print once", 1).await;
    client.expect_stdout("once\n").await;
    client.expect_idle().await;
    for _ in ["odd", "unreadable"] {
        client.expect_busy().await;
        client.expect_idle().await;
    }
    assert_eq!(client.reply().await.1["status"], "ok");
    assert_eq!(client.reply().await.1["ename"], "MalformedRequest");
}

#[tokio::test]
async fn requests_out_of_range_get_their_reply() {
    let mut client = Client::connect().await;
    client.ask("complete_request", json!({"code": "ab", "cursor_pos": 1_000_000})).await;
    assert_eq!(client.reply().await.1["cursor_end"], 2);
    client.ask("inspect_request", json!({"detail_level": 7})).await;
    assert_eq!(client.reply().await.1["data"]["text/plain"], "1");
    client.ask("history_request", json!({"hist_access_type": "odd", "n": "many"})).await;
    assert_eq!(client.reply().await.1, json!({"status": "ok", "history": []}));
    client.ask("comm_info_request", json!(null)).await;
    assert_eq!(client.reply().await.1["status"], "error");
}

#[tokio::test]
async fn a_session_that_dies_is_reported_each_time() {
    let mut client = Client::connect().await;
    for count in 1..3 {
        client.execute("die").await;
        assert_eq!(client.reply().await.1["ename"], "SessionGone");
        client.expect_cell("die", count).await;
        assert_eq!(client.published().await.0, "error");
        client.expect_idle().await;
    }
    client.ask("complete_request", json!({"code": ""})).await;
    assert_eq!(client.reply().await.1["ename"], "SessionGone");
}

#[tokio::test]
async fn history_is_kept_with_outputs() {
    let mut client = Client::connect().await;
    client.execute("value 5").await;
    client.reply().await;
    client.ask("history_request", json!({"hist_access_type": "range", "session": 0, "output": true})).await;
    assert_eq!(client.reply().await.1["history"], json!([[0, 1, ["value 5", "5"]]]));
}

#[tokio::test]
async fn an_interrupt_right_after_busy_is_not_lost() {
    let mut client = Client::connect().await;
    for _ in 0..50 {
        client.execute("sleep 60000").await;
        while client.published().await.1["execution_state"] != "busy" {}
        client.ask_control("interrupt_request", json!({})).await;
        client.control_reply().await;
        assert_eq!(client.reply().await.1["ename"], "KeyboardInterrupt");
        while client.published().await.0 != "error" {}
    }
}
