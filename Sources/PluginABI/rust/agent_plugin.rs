//! The plugin ABI for Rust (1.63 and later), without dependencies: copy this file beside your own and write `mod agent_plugin;`.
//!
//! It has three parts. The tables of `agent_plugin.h` in `repr(C)`, their sizes asserted. Objects around them: [`Host`], [`Turn`],
//! [`Call`]; a turn or call that is dropped unfinished fails. And the barrier: [`barrier`] lets no panic out of a function that the
//! host called; [`export_plugin!`] puts it around every entry. A panic is written to the host's log with its message and place,
//! and fails the turn or call it belongs to. Compile with `-C panic=unwind` (the default): `panic=abort` ends the process.
#![allow(dead_code)]

use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_void;
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};

// ---- the tables of agent_plugin.h ----

pub type Status = i32;
pub type Handle = u64;
pub type Time = i64;
pub const OK: Status = 0;
pub const SLOW: Status = 1;
pub const FAILED: Status = -1;
pub const INVALID: Status = -2;
pub const GONE: Status = -3;
pub const CANCELLED: Status = -4;
pub const DEADLINE: Status = -5;
pub const DENIED: Status = -6;
pub const LIMIT: Status = -7;
pub const UNSUPPORTED: Status = -8;
pub const UNAVAILABLE: Status = -9;
pub const CRASHED: Status = -10;
pub const NOT_FOUND: Status = -11;
pub const CONFLICT: Status = -12;
pub const EV_DATA: u32 = 1;
pub const EV_HEAD: u32 = 2;
pub const EV_PROGRESS: u32 = 3;
pub const EV_END: u32 = 4;
pub const LOG_ERROR: i32 = 4;
pub const LOG_INFO: i32 = 2;
pub const ABI_DRAFT: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub ptr: *const c_char,
    pub len: usize,
}

impl Str {
    fn of(text: &str) -> Str {
        Str { ptr: text.as_ptr() as *const c_char, len: text.len() }
    }

    /// The text; the host promises UTF-8. Bytes that are none become U+FFFD.
    ///
    /// # Safety
    /// The memory must be valid: only within the function that was given it.
    pub unsafe fn to_string(self) -> String {
        if self.len == 0 {
            return String::new();
        }
        String::from_utf8_lossy(std::slice::from_raw_parts(self.ptr as *const u8, self.len)).into_owned()
    }
}

pub type EventFn = unsafe extern "C" fn(*mut c_void, Handle, u32, Status, Str);
pub type WorkFn = unsafe extern "C" fn(*mut c_void);

#[repr(C)]
pub struct HostR1 {
    pub struct_size: u32,
    pub abi_draft: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub host_data: *mut c_void,
    pub get_extension: unsafe extern "C" fn(*const HostR1, *const c_char) -> *const c_void,
}

#[repr(C)]
pub struct PluginR1 {
    pub struct_size: u32,
    pub abi_draft: u32,
    pub id: *const c_char,
    pub version: *const c_char,
    pub create: unsafe extern "C" fn(*const HostR1, Str, *mut *mut c_void) -> Status,
    pub drain: Option<unsafe extern "C" fn(*mut c_void)>,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub get_extension: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void>,
}
// It is never written to.
unsafe impl Sync for PluginR1 {}

#[repr(C)]
pub struct TurnRequestR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub agent_id: Str,
    pub thread_id: Str,
    pub subject: Str,
    pub kind: Str,
    pub input_json: Str,
    pub context_json: Str,
    pub deadline: Time,
}

#[repr(C)]
pub struct AgentR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub turn_begin: unsafe extern "C" fn(*mut c_void, Handle, *const TurnRequestR1) -> Status,
    pub turn_cancel: unsafe extern "C" fn(*mut c_void, Handle, Status),
    pub turn_writable: Option<unsafe extern "C" fn(*mut c_void, Handle)>,
}

#[repr(C)]
pub struct CallRequestR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub tool: Str,
    pub args_json: Str,
    pub subject: Str,
    pub thread_id: Str,
    pub agent_id: Str,
    pub locale: Str,
    pub deadline: Time,
}

#[repr(C)]
pub struct ToolsR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub call_begin: unsafe extern "C" fn(*mut c_void, Handle, *const CallRequestR1) -> Status,
    pub call_cancel: Option<unsafe extern "C" fn(*mut c_void, Handle, Status)>,
}

#[repr(C)]
pub struct HostTurnR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub text: unsafe extern "C" fn(*const HostR1, Handle, u32, Str) -> Status,
    pub emit: unsafe extern "C" fn(*const HostR1, Handle, u32, Str, Str) -> Status,
    pub item_done: unsafe extern "C" fn(*const HostR1, Handle, u32) -> Status,
    pub finish: unsafe extern "C" fn(*const HostR1, Handle, Status, Str) -> Status,
    pub state: unsafe extern "C" fn(*const HostR1, Handle) -> Status,
}

#[repr(C)]
pub struct HostCallR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub progress: unsafe extern "C" fn(*const HostR1, Handle, Str) -> Status,
    pub finish: unsafe extern "C" fn(*const HostR1, Handle, Status, Str) -> Status,
    pub state: unsafe extern "C" fn(*const HostR1, Handle) -> Status,
}

#[repr(C)]
pub struct HostExecR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub now: unsafe extern "C" fn(*const HostR1) -> Time,
    pub lane: unsafe extern "C" fn(*const HostR1) -> u32,
    pub after: unsafe extern "C" fn(*const HostR1, Handle, i64, EventFn, *mut c_void, *mut Handle) -> Status,
    pub post: unsafe extern "C" fn(*const HostR1, Handle, WorkFn, *mut c_void) -> Status,
    pub run_blocking: unsafe extern "C" fn(*const HostR1, Handle, WorkFn, *mut c_void) -> Status,
    pub cancel: unsafe extern "C" fn(*const HostR1, Handle) -> Status,
}

#[repr(C)]
pub struct HostLogR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub enabled: unsafe extern "C" fn(*const HostR1, i32) -> bool,
    pub log: unsafe extern "C" fn(*const HostR1, i32, Handle, Str, Str),
}

#[repr(C)]
pub struct HostServiceR1 {
    pub struct_size: u32,
    pub flags: u32,
    pub request: unsafe extern "C" fn(*const HostR1, Handle, Str, Str, Str, EventFn, *mut c_void, *mut Handle) -> Status,
}

/// Fails to compile when a struct has not the size it has in C.
macro_rules! frozen {
    ($($type:ty = $size:expr),* $(,)?) => { $(const _: [(); $size] = [(); std::mem::size_of::<$type>()];)* };
}
frozen!(
    Str = 16, HostR1 = 40, PluginR1 = 56, TurnRequestR1 = 112, AgentR1 = 32, CallRequestR1 = 112, ToolsR1 = 24, HostTurnR1 = 48,
    HostCallR1 = 32, HostExecR1 = 56, HostLogR1 = 24, HostServiceR1 = 16,
);

// ---- the barrier ----

thread_local! {
    /// Message and place of the last panic of this thread.
    static LAST_PANIC: RefCell<String> = RefCell::new(String::new());
    /// What turns and calls that are being dropped finish with.
    static FAILURE: RefCell<(Status, String)> = RefCell::new((FAILED, String::new()));
}

/// Notes panics instead of printing them. Called by `create`.
fn hold_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            // The place is what the payload does not have.
            let text = info.to_string();
            LAST_PANIC.with(|last| *last.borrow_mut() = text);
        }))
    });
}

/// Runs `work`; a panic ends here. It is logged, and answered as None.
pub fn barrier<R>(host: &Host, scope: Handle, place: &str, work: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(payload) => {
            let text = LAST_PANIC.with(|last| last.replace(String::new()));
            let text = if text.is_empty() { "a panic".to_string() } else { text.replace('\n', " ") };
            host.log(LOG_ERROR, scope, &format!("{}: {}", place, text));
            drop_quietly(payload);
            None
        }
    }
}

/// A payload may panic when it is dropped.
fn drop_quietly(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(another);
    }
}

/// Within `work`, turns and calls that are dropped finish with this.
fn failing(status: Status, text: &str, work: impl FnOnce()) {
    let before = FAILURE.with(|f| f.replace((status, text.to_string())));
    work();
    FAILURE.with(|f| *f.borrow_mut() = before);
}

// ---- the host ----

/// The host does not want it any more (CANCELLED, DEADLINE, GONE) or refused it.
pub type Answer = Result<(), Status>;

fn check(status: Status) -> Answer {
    if status < 0 {
        Err(status)
    } else {
        Ok(())
    }
}

/// The host's tables. Every function may be called from any thread, until the plugin has been dropped.
#[derive(Clone, Copy)]
pub struct Host {
    raw: *const HostR1,
    log: *const HostLogR1,
    turn: *const HostTurnR1,
    call: *const HostCallR1,
    exec: *const HostExecR1,
}
// The host's functions are made for all threads.
unsafe impl Send for Host {}
unsafe impl Sync for Host {}

/// The name of a service, NUL-terminated.
pub const KV: &str = "ap.host.kv/1\0";
pub const TOOLS: &str = "ap.host.tools/1\0";
pub const MODEL: &str = "ap.host.model/1\0";
pub const THREAD: &str = "ap.host.thread/1\0";

/// An event of a request; EV_END comes last.
pub struct Event {
    pub kind: u32,
    pub status: Status,
    pub data: String,
}

type Callback = Box<dyn FnMut(Event) + Send>;
struct Waiting {
    host: Host,
    scope: Handle,
    callback: Option<Callback>,
}

impl Host {
    /// # Safety
    /// `raw` is what `create` was given.
    pub unsafe fn new(raw: *const HostR1) -> Host {
        let find = |id: &str| ((*raw).get_extension)(raw, id.as_ptr() as *const c_char);
        Host {
            raw,
            log: find("ap.host.log/1\0") as *const HostLogR1,
            turn: find("ap.host.turn/1\0") as *const HostTurnR1,
            call: find("ap.host.call/1\0") as *const HostCallR1,
            exec: find("ap.host.exec/1\0") as *const HostExecR1,
        }
    }

    /// Writes a line into the host's log; without that extension to standard error, which the host logs too.
    pub fn log(&self, level: i32, scope: Handle, message: &str) {
        match unsafe { self.log.as_ref() } {
            Some(table) => unsafe { (table.log)(self.raw, level, scope, Str::of(message), Str::of("")) },
            None => eprintln!("{}", message),
        }
    }

    /// Calls `callback` once after `ms` milliseconds, on the lane of `scope`; with CANCELLED when that is over before.
    pub fn after(&self, scope: Handle, ms: i64, callback: impl FnMut(Event) + Send + 'static) -> Answer {
        let exec = unsafe { self.exec.as_ref() }.ok_or(DENIED)?;
        self.start(scope, Box::new(callback), |user| unsafe {
            (exec.after)(self.raw, scope, ms, receive, user, std::ptr::null_mut())
        })
    }

    /// Asks a service; calls `callback` for each event, on the lane of `scope`.
    pub fn request(
        &self, service: &str, scope: Handle, op: &str, json: &str, callback: impl FnMut(Event) + Send + 'static,
    ) -> Answer {
        assert!(service.ends_with('\0'));
        let table = unsafe { ((*self.raw).get_extension)(self.raw, service.as_ptr() as *const c_char) };
        let table = unsafe { (table as *const HostServiceR1).as_ref() }.ok_or(DENIED)?;
        self.start(scope, Box::new(callback), |user| unsafe {
            let (op, json, body) = (Str::of(op), Str::of(json), Str::of(""));
            (table.request)(self.raw, scope, op, json, body, receive, user, std::ptr::null_mut())
        })
    }

    fn start(&self, scope: Handle, callback: Callback, begin: impl FnOnce(*mut c_void) -> Status) -> Answer {
        let waiting = Box::into_raw(Box::new(Waiting { host: *self, scope, callback: Some(callback) }));
        let status = begin(waiting as *mut c_void);
        if status < 0 {
            let waiting = unsafe { Box::from_raw(waiting) };
            failing(status, "", || drop(waiting));
        }
        check(status)
    }
}

/// The callback of every timer and request; EV_END frees what it was given.
unsafe extern "C" fn receive(user: *mut c_void, _request: Handle, kind: u32, status: Status, data: Str) {
    let waiting = user as *mut Waiting;
    let (host, scope) = ((*waiting).host, (*waiting).scope);
    let event = Event { kind, status, data: data.to_string() };
    let callback = &mut (*waiting).callback;
    let done = barrier(&host, scope, "a callback", || {
        if let Some(callback) = callback {
            callback(event)
        }
    });
    // What it holds is dropped under a barrier of its own: author code may run there.
    if done.is_none() || kind == EV_END {
        let callback = (*waiting).callback.take();
        let why = if status < 0 { status } else { FAILED };
        barrier(&host, scope, "a callback, dropped", || failing(why, "", || drop(callback)));
    }
    if kind == EV_END {
        drop(Box::from_raw(waiting));
    }
}

/// A turn to be answered: finish it, or move it to where the answer will be known. Dropped, it fails.
pub struct Turn {
    pub host: Host,
    handle: Handle,
}

impl Turn {
    /// 0 once it is finished.
    pub fn handle(&self) -> Handle {
        self.handle
    }
    fn table(&self) -> Result<&HostTurnR1, Status> {
        unsafe { self.host.turn.as_ref() }.ok_or(DENIED)
    }
    /// Appends to the message `item`.
    pub fn text(&self, item: u32, delta: &str) -> Answer {
        check(unsafe { (self.table()?.text)(self.host.raw, self.handle, item, Str::of(delta)) })
    }
    /// Emits something with structure; docs/emit-kinds.md lists the kinds.
    pub fn emit(&self, item: u32, kind: &str, json: &str) -> Answer {
        check(unsafe { (self.table()?.emit)(self.host.raw, self.handle, item, Str::of(kind), Str::of(json)) })
    }
    /// Ends it: OK, or a negative status with a sentence for people.
    pub fn finish(mut self, status: Status, message: &str) {
        self.end(status, message)
    }
    fn end(&mut self, status: Status, message: &str) {
        let handle = std::mem::replace(&mut self.handle, 0);
        if let (true, Ok(table)) = (handle != 0, self.table()) {
            // One that was cancelled is finished already; finishing it again would count as a fault.
            if unsafe { (table.state)(self.host.raw, handle) } != GONE {
                unsafe { (table.finish)(self.host.raw, handle, status, Str::of(message)) };
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (status, text) = FAILURE.with(|f| f.borrow().clone());
        self.end(status, &text)
    }
}

/// A call of a tool to be answered, as [`Turn`].
pub struct Call {
    pub host: Host,
    handle: Handle,
}

impl Call {
    /// 0 once it is finished.
    pub fn handle(&self) -> Handle {
        self.handle
    }
    fn table(&self) -> Result<&HostCallR1, Status> {
        unsafe { self.host.call.as_ref() }.ok_or(DENIED)
    }
    /// News, as JSON: `{"text": …}`.
    pub fn progress(&self, json: &str) -> Answer {
        check(unsafe { (self.table()?.progress)(self.host.raw, self.handle, Str::of(json)) })
    }
    /// Ends it: OK with a result as JSON, or a negative status with a text for the model.
    pub fn finish(mut self, status: Status, result: &str) {
        self.end(status, result)
    }
    fn end(&mut self, status: Status, result: &str) {
        let handle = std::mem::replace(&mut self.handle, 0);
        if let (true, Ok(table)) = (handle != 0, self.table()) {
            // One that was cancelled is finished already; finishing it again would count as a fault.
            if unsafe { (table.state)(self.host.raw, handle) } != GONE {
                unsafe { (table.finish)(self.host.raw, handle, status, Str::of(result)) };
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (status, text) = FAILURE.with(|f| f.borrow().clone());
        self.end(status, &text)
    }
}

/// What there is to answer.
pub struct TurnRequest {
    pub agent: String,
    pub thread: String,
    pub subject: String,
    pub kind: String,
    pub input: String,
    pub context: String,
    pub deadline: Time,
}

/// One call of a tool.
pub struct CallRequest {
    pub tool: String,
    pub arguments: String,
    pub subject: String,
    pub thread: String,
    pub deadline: Time,
}

/// A plugin. Its functions run on the lanes that agent_plugin.h describes; several at a time.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// Err refuses to be loaded; the text is logged.
    fn create(host: Host, configuration: &str) -> Result<Self, String>;
    fn answer(&self, turn: Turn, _request: TurnRequest) {
        turn.finish(UNSUPPORTED, "")
    }
    fn call(&self, call: Call, _request: CallRequest) {
        call.finish(UNSUPPORTED, "")
    }
    /// A turn or call is not wanted any more; it is finished when this returns.
    fn cancelled(&self, _handle: Handle, _why: Status) {}
}

/// What `export_plugin!` puts behind the tables; not for use by hand.
pub mod entries {
    use super::*;

    pub struct Instance<P> {
        pub host: Host,
        pub plugin: P,
    }

    unsafe fn of<'a, P>(instance: *mut c_void) -> &'a Instance<P> {
        &*(instance as *const Instance<P>)
    }

    pub unsafe extern "C" fn create<P: Plugin>(raw: *const HostR1, config: Str, out: *mut *mut c_void) -> Status {
        hold_panics();
        let host = Host::new(raw);
        match barrier(&host, 0, "create", || P::create(host, &config.to_string())) {
            Some(Ok(plugin)) => {
                *out = Box::into_raw(Box::new(Instance { host, plugin })) as *mut c_void;
                OK
            }
            Some(Err(why)) => {
                host.log(LOG_ERROR, 0, &format!("The plugin cannot start: {}", why));
                FAILED
            }
            None => FAILED,
        }
    }

    pub unsafe extern "C" fn destroy<P: Plugin>(instance: *mut c_void) {
        let instance = Box::from_raw(instance as *mut Instance<P>);
        let host = instance.host;
        barrier(&host, 0, "drop", || drop(instance));
    }

    /// A panic drops the turn, which fails it: so the answer is always OK.
    pub unsafe extern "C" fn turn_begin<P: Plugin>(p: *mut c_void, handle: Handle, r: *const TurnRequestR1) -> Status {
        let (instance, r) = (of::<P>(p), &*r);
        barrier(&instance.host, handle, "answer", || {
            let request = TurnRequest {
                agent: r.agent_id.to_string(),
                thread: r.thread_id.to_string(),
                subject: r.subject.to_string(),
                kind: r.kind.to_string(),
                input: r.input_json.to_string(),
                context: r.context_json.to_string(),
                deadline: r.deadline,
            };
            instance.plugin.answer(Turn { host: instance.host, handle }, request)
        });
        OK
    }

    pub unsafe extern "C" fn turn_cancel<P: Plugin>(p: *mut c_void, handle: Handle, why: Status) {
        let instance = of::<P>(p);
        barrier(&instance.host, handle, "cancelled", || instance.plugin.cancelled(handle, why));
        Turn { host: instance.host, handle }.finish(why, "");
    }

    pub unsafe extern "C" fn call_begin<P: Plugin>(p: *mut c_void, handle: Handle, r: *const CallRequestR1) -> Status {
        let (instance, r) = (of::<P>(p), &*r);
        barrier(&instance.host, handle, "call", || {
            let request = CallRequest {
                tool: r.tool.to_string(),
                arguments: r.args_json.to_string(),
                subject: r.subject.to_string(),
                thread: r.thread_id.to_string(),
                deadline: r.deadline,
            };
            instance.plugin.call(Call { host: instance.host, handle }, request)
        });
        OK
    }

    pub unsafe extern "C" fn call_cancel<P: Plugin>(p: *mut c_void, handle: Handle, why: Status) {
        let instance = of::<P>(p);
        barrier(&instance.host, handle, "cancelled", || instance.plugin.cancelled(handle, why));
        Call { host: instance.host, handle }.finish(why, "");
    }

    pub fn is(id: *const c_char, name: &str) -> bool {
        unsafe { std::ffi::CStr::from_ptr(id) }.to_bytes() == name.as_bytes()
    }
}

/// Exports a type as the plugin of this library: `export_plugin!(Hello, "dev.example.hello", "1.0.0");`
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty, $id:literal, $version:literal) => {
        unsafe extern "C" fn ap_get_extension(_: *mut std::ffi::c_void, id: *const std::os::raw::c_char) -> *const std::ffi::c_void {
            use $crate::agent_plugin::{entries, AgentR1, ToolsR1};
            static AGENT: AgentR1 = AgentR1 {
                struct_size: std::mem::size_of::<AgentR1>() as u32,
                flags: 0,
                turn_begin: entries::turn_begin::<$plugin>,
                turn_cancel: entries::turn_cancel::<$plugin>,
                turn_writable: None,
            };
            static TOOLS: ToolsR1 = ToolsR1 {
                struct_size: std::mem::size_of::<ToolsR1>() as u32,
                flags: 0,
                call_begin: entries::call_begin::<$plugin>,
                call_cancel: Some(entries::call_cancel::<$plugin>),
            };
            if entries::is(id, "ap.agent/1") {
                return &AGENT as *const AgentR1 as *const std::ffi::c_void;
            }
            if entries::is(id, "ap.tools/1") {
                return &TOOLS as *const ToolsR1 as *const std::ffi::c_void;
            }
            std::ptr::null()
        }

        #[no_mangle]
        pub extern "C" fn ap_plugin_entry_v1() -> *const $crate::agent_plugin::PluginR1 {
            use $crate::agent_plugin::{entries, PluginR1, ABI_DRAFT};
            static PLUGIN: PluginR1 = PluginR1 {
                struct_size: std::mem::size_of::<PluginR1>() as u32,
                abi_draft: ABI_DRAFT,
                id: concat!($id, "\0").as_ptr() as *const std::os::raw::c_char,
                version: concat!($version, "\0").as_ptr() as *const std::os::raw::c_char,
                create: entries::create::<$plugin>,
                drain: None,
                destroy: entries::destroy::<$plugin>,
                get_extension: Some(ap_get_extension),
            };
            &PLUGIN
        }
    };
}

// ---- the little JSON that a plugin meets; take a crate for anything larger ----

pub mod json {
    /// The text as a JSON string, with its quotes.
    pub fn quote(text: &str) -> String {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => {
                    out.push('\\');
                    out.push(c)
                }
                c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    }

    /// The value at a JSON Pointer ("/0/content/0/text"), as a piece of the text. None: not there, or malformed.
    pub fn find<'a>(json: &'a str, pointer: &str) -> Option<&'a str> {
        let mut value = json.trim();
        for step in pointer.split('/').skip(1) {
            let object = value.starts_with('{');
            let index = if object { 0 } else { step.parse::<usize>().ok()? };
            let mut rest = value.strip_prefix(if object { '{' } else { '[' })?.trim_start();
            let mut at = 0;
            loop {
                let mut key = "";
                if object {
                    let end = skip(rest)?;
                    key = rest.get(1..end.checked_sub(1)?)?;
                    rest = rest[end..].trim_start().strip_prefix(':')?.trim_start();
                }
                let end = skip(rest)?;
                if if object { key == step } else { at == index } {
                    value = &rest[..end];
                    break;
                }
                rest = rest[end..].trim_start().strip_prefix(',')?.trim_start();
                at += 1;
            }
        }
        let end = skip(value)?;
        Some(&value[..end])
    }

    /// The length of the value that the text begins with.
    fn skip(text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let (mut at, mut depth) = (0, 0);
        loop {
            match *bytes.get(at)? {
                b'"' => {
                    at += 1;
                    while *bytes.get(at)? != b'"' {
                        at += if bytes[at] == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                b'{' | b'[' if depth == 64 => return None,
                b'{' | b'[' => {
                    depth += 1;
                    at += 1
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    at += 1
                }
                b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth > 0 => {
                    at += 1;
                    continue;
                }
                b',' | b':' | b'}' | b']' => return None,
                _ => {
                    while at < bytes.len() && !b",:]}[{\" \t\r\n".contains(&bytes[at]) {
                        at += 1
                    }
                }
            }
            if depth == 0 {
                return Some(at);
            }
        }
    }

    /// The text of the string at a JSON Pointer.
    pub fn string(json: &str, pointer: &str) -> Option<String> {
        let value = find(json, pointer)?;
        let mut chars = value.strip_prefix('"')?.strip_suffix('"')?.chars();
        let mut units: Vec<u16> = Vec::new();
        while let Some(c) = chars.next() {
            let c = if c != '\\' {
                c
            } else {
                match chars.next()? {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        units.push(u16::from_str_radix(&digits, 16).ok()?);
                        continue;
                    }
                    c => c,
                }
            };
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
        Some(String::from_utf16_lossy(&units))
    }

    /// The number at a JSON Pointer.
    pub fn number(json: &str, pointer: &str) -> Option<f64> {
        find(json, pointer)?.parse().ok()
    }
}
