//! A long-running tool with progress that can be stopped, and an agent that shows it.
//!
//!   count 50          counts to 50, one step each 20 ms, with a task that shows how far it is
//!   count 50 5        one step each 5 ms
//!   total             how many steps all counts of everybody have made (kept by the host)

#[path = "../../Sources/PluginABI/rust/agent_plugin.rs"]
mod agent_plugin;

use agent_plugin::{json, Call, CallRequest, Event, Host, Plugin, Turn, TurnRequest, CONFLICT, EV_END, EV_PROGRESS, FAILED, KV, OK, TOOLS};

struct Counter;

impl Plugin for Counter {
    fn create(_host: Host, _configuration: &str) -> Result<Self, String> {
        Ok(Counter)
    }

    fn answer(&self, turn: Turn, request: TurnRequest) {
        let text = json::string(&request.input, "/0/content/0/text").unwrap_or_default();
        let mut words = text.split_whitespace();
        match words.next() {
            Some("count") => {
                let mut number = |otherwise| words.next().map_or(Some(otherwise), |word| word.parse::<u32>().ok());
                match (number(50), number(20)) {
                    (Some(to), Some(ms)) => show(turn, to, ms),
                    _ => turn.finish(FAILED, "Say for example: count 50"),
                }
            }
            Some("total") => total(turn),
            _ => {
                let _ = turn.text(1, "Say \"count 50\" or \"total\".");
                turn.finish(OK, "")
            }
        }
    }

    fn call(&self, call: Call, request: CallRequest) {
        let number = |pointer, otherwise| json::number(&request.arguments, pointer).unwrap_or(otherwise);
        step(call, Count { done: 0, to: number("/to", 1.0) as u32, ms: number("/ms", 20.0) as i64 })
    }
}

// ---- the tool ----

#[derive(Clone, Copy)]
struct Count {
    done: u32,
    to: u32,
    ms: i64,
}

/// One step, then a timer. When the call is cancelled the timer ends with it, and the call is dropped.
fn step(call: Call, count: Count) {
    if count.done == count.to {
        return add_to_total(call, count.to, 0);
    }
    let (host, handle) = (call.host, call.handle());
    let mut kept = Some(call);
    let _ = host.after(handle, count.ms, move |event| {
        if let (OK, Some(call)) = (event.status, kept.take()) {
            let count = Count { done: count.done + 1, ..count };
            match call.progress(&format!(r#"{{"text":"{} of {}"}}"#, count.done, count.to)) {
                Ok(()) => step(call, count),
                Err(status) => call.finish(status, ""),
            }
        }
    });
}

/// Reads, adds, writes if nobody else has written meanwhile; else once more.
fn add_to_total(call: Call, steps: u32, attempt: u32) {
    let (host, handle) = (call.host, call.handle());
    let mut kept = Some(call);
    let _ = host.request(KV, handle, "get", r#"{"scope":"plugin","keys":["total"]}"#, move |event: Event| {
        let call = match (event.kind, kept.take()) {
            (EV_END, Some(call)) => call,
            (_, other) => return kept = other,
        };
        if event.status < 0 {
            return call.finish(event.status, &event.data);
        }
        let total = json::number(&event.data, "/entries/0/value").unwrap_or(0.0) + f64::from(steps);
        let version = json::find(&event.data, "/entries/0/version").unwrap_or("null");
        let write = format!(
            r#"{{"scope":"plugin","if":[{{"key":"total","version":{}}}],"put":[{{"key":"total","value":{}}}]}}"#,
            version, total
        );
        let mut kept = Some(call);
        let _ = host.request(KV, handle, "write", &write, move |event: Event| {
            if let (EV_END, Some(call)) = (event.kind, kept.take()) {
                match event.status {
                    CONFLICT if attempt < 50 => add_to_total(call, steps, attempt + 1),
                    status if status < 0 => call.finish(status, &event.data),
                    _ => call.finish(OK, &format!(r#"{{"counted":{}}}"#, steps)),
                }
            }
        });
    });
}

// ---- the agent ----

fn task(state: &str, content: &str) -> String {
    format!(r#"{{"index":0,"title":"Counting","icon":"clock","status_indicator":"{}","content":{}}}"#, state, json::quote(content))
}

/// Calls the tool; each progress becomes the task's next state.
fn show(turn: Turn, to: u32, ms: u32) {
    // Of a task in a workflow clients see every state; of one that stands alone only the last.
    let _ = turn.emit(1, "workflow", r#"{"expanded":true}"#);
    let _ = turn.emit(1, "task", &task("loading", "begins"));
    let (host, handle) = (turn.host, turn.handle());
    let arguments = format!(r#"{{"name":"count_to","arguments":{{"to":{},"ms":{}}}}}"#, to, ms);
    let mut kept = Some(turn);
    let _ = host.request(TOOLS, handle, "call", &arguments, move |event: Event| {
        if event.kind == EV_PROGRESS {
            if let (Some(turn), Some(text)) = (&kept, json::string(&event.data, "/text")) {
                let _ = turn.emit(1, "task", &task("loading", &text));
            }
        }
        if event.kind != EV_END {
            return;
        }
        if let Some(turn) = kept.take() {
            if event.status < 0 {
                return turn.finish(event.status, &event.data);
            }
            let _ = turn.emit(1, "task", &task("complete", "done"));
            let _ = turn.emit(1, "workflow_end", "{}");
            let _ = turn.text(2, &format!("Counted to {}.", json::number(&event.data, "/counted").unwrap_or(0.0)));
            turn.finish(OK, "")
        }
    });
}

fn total(turn: Turn) {
    let (host, handle) = (turn.host, turn.handle());
    let mut kept = Some(turn);
    let _ = host.request(KV, handle, "get", r#"{"scope":"plugin","keys":["total"]}"#, move |event: Event| {
        if let (EV_END, Some(turn)) = (event.kind, kept.take()) {
            if event.status < 0 {
                return turn.finish(event.status, &event.data);
            }
            let total = json::number(&event.data, "/entries/0/value").unwrap_or(0.0);
            let _ = turn.text(1, &format!("{} steps so far.", total));
            turn.finish(OK, "")
        }
    });
}

export_plugin!(Counter, "dev.agenthost.example.counter", "1.0.0");
