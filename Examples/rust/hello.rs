//! The example plugin in Rust. What it does is the same in all four languages:
//!
//!   add 2 3     calls its own tool and says what it answered
//!   count       counts to 100, one number each 50 ms; press stop
//!   widget      shows a widget whose button counts
//!   where       asks the page where it is (a client tool), and says it
//!   fail        ends the turn with an error that people read
//!   throw       a bug: a panic. The turn fails, the log has its message, everything else goes on
//!   trap        a worse bug: ends the process. In a worker only this plugin's turns notice
//!   (else)      says it again, word by word

#[path = "../../Sources/PluginABI/rust/agent_plugin.rs"]
mod agent_plugin;

use agent_plugin::{json, Answer, Call, CallRequest, Event, Host, Plugin, Turn, TurnRequest, EV_END, FAILED, OK};

struct Hello;

impl Plugin for Hello {
    fn create(_host: Host, _configuration: &str) -> Result<Self, String> {
        Ok(Hello)
    }

    fn answer(&self, turn: Turn, request: TurnRequest) {
        match request.kind.as_str() {
            "action" => return end(pressed(&turn, &request.input), turn),
            "client_tool_output" => {
                let city = json::string(&request.input, "/0/output/city");
                let city = city.unwrap_or_else(|| "a place I do not know".to_string());
                return end(turn.text(1, &format!("You are in {}.", city)), turn);
            }
            _ => {}
        }
        let text = json::string(&request.input, "/0/content/0/text").unwrap_or_default();
        match text.split(' ').next().unwrap_or("") {
            "add" => add(turn, &text),
            "count" => count(turn, 1),
            "fail" => turn.finish(FAILED, "This went wrong, as you wished."),
            "throw" => panic!("no element {} in a list of {}", 7, 0),
            "trap" => std::process::abort(),
            "widget" => end(turn.emit(1, "widget", &card(0)), turn),
            "where" => end(turn.emit(1, "client_tool_call", r#"{"name":"get_location","arguments":{}}"#), turn),
            _ => end(say_again(&turn, &text), turn),
        }
    }

    fn call(&self, call: Call, request: CallRequest) {
        let term = |pointer| json::number(&request.arguments, pointer).unwrap_or(0.0);
        call.finish(OK, &format!("{{\"sum\":{}}}", term("/a") + term("/b")));
    }
}

/// Finishes a turn with what saying its last thing answered.
fn end(said: Answer, turn: Turn) {
    turn.finish(said.err().unwrap_or(OK), "")
}

fn say_again(turn: &Turn, text: &str) -> Answer {
    turn.text(1, "You said:")?;
    for word in text.split_whitespace() {
        turn.text(1, &format!(" {}", word))?;
    }
    Ok(())
}

/// A timer that starts itself again; the turn moves along.
fn count(turn: Turn, counted: u32) {
    if let Err(status) = turn.text(1, &format!("{} ", counted)) {
        return turn.finish(status, "");
    }
    if counted == 100 {
        return turn.finish(OK, "");
    }
    let (host, handle) = (turn.host, turn.handle());
    let mut kept = Some(turn);
    // If the host refuses, the turn is dropped, which fails it.
    let _ = host.after(handle, 50, move |event| {
        if let (OK, Some(turn)) = (event.status, kept.take()) {
            count(turn, counted + 1)
        }
    });
}

fn add(turn: Turn, text: &str) {
    let numbers: Vec<f64> = text.split(' ').skip(1).filter_map(|word| word.parse().ok()).collect();
    if numbers.len() != 2 {
        return turn.finish(FAILED, "Say for example: add 2 3");
    }
    let request = format!(r#"{{"name":"add","arguments":{{"a":{},"b":{}}}}}"#, numbers[0], numbers[1]);
    let (host, handle) = (turn.host, turn.handle());
    let mut kept = Some(turn);
    let _ = host.request(agent_plugin::TOOLS, handle, "call", &request, move |event: Event| {
        if event.kind != EV_END {
            return;
        }
        if let Some(turn) = kept.take() {
            if event.status < 0 {
                return turn.finish(event.status, &event.data);
            }
            let sum = json::number(&event.data, "/sum").unwrap_or(0.0);
            end(turn.text(1, &format!("The sum is {}.", sum)), turn)
        }
    });
}

fn card(count: u32) -> String {
    format!(
        r#"{{"type":"Card","children":[{{"type":"Text","id":"count","value":"Pressed {} times"}},{{"type":"Button","label":"Press","onClickAction":{{"type":"press","payload":{{"count":{}}}}}}}]}}"#,
        count,
        count + 1
    )
}

/// The button was pressed: another tree for the same item.
fn pressed(turn: &Turn, input: &str) -> Answer {
    let raw = |pointer| json::find(input, pointer).unwrap_or("null");
    let count = json::number(input, "/0/action/payload/count").unwrap_or(0.0) as u32;
    let item = format!(r#"{{"type":"widget","created_at":{},"widget":{}}}"#, raw("/0/item/created_at"), card(count));
    turn.emit(0, "replace", &format!(r#"{{"id":{},"item":{}}}"#, raw("/0/item_id"), item))
}

export_plugin!(Hello, "dev.agenthost.example.hello-rust", "1.0.0");
