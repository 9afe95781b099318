// agent_plugin.hpp - the plugin ABI for C++17: objects that cannot be forgotten, and exceptions that go nowhere.
//
// Not a part of the ABI: this header is compiled into your plugin. A plugin is one class:
//
//   struct Greeter : agent_plugin::Plugin {
//     static constexpr const char *id = "dev.example.greeter", *version = "1.0.0";   // as in plugin.json
//     using Plugin::Plugin;
//     void answer(Turn &turn, const TurnRequest &request) override {
//       turn.text("Hello, " + request.message());
//       turn.finish();
//     }
//   };
//   AGENT_PLUGIN(Greeter)
//
// Which functions you override decides what the plugin offers: `answer` (coded agents), `call` (tools), `complete` (models),
// `changed` (new configuration), `hook` (of declarative agents), `save` with `load` (state for
// the next version), `check` (health). They must be public. They run on the lanes that agent_plugin.h describes.
//
// A Turn or Call is finished exactly once. Finish it, or move it to where the answer will be known (its `after`, `request` and
// `run_blocking` move it to the function they call; a thread of yours): if it is dropped, it finishes with AP_E_FAILED. One that
// is cancelled is finished for you: what you say from then on throws Stopped, and requests end with AP_E_CANCELLED.
//
// No exception leaves a function that the host called. One that reaches it is written to the host's log and fails the turn or call:
// with the text of an agent_plugin::Error, which people and models read; other exceptions tell them nothing.
#ifndef AGENT_PLUGIN_HPP
#define AGENT_PLUGIN_HPP

#include "agent_plugin.h"
#include "agent_plugin_json.h"

#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace agent_plugin {

/// Fails a turn or call with a text that is meant to be read: by the person (turns) or the model (calls).
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string &text, ap_status code = AP_E_FAILED) : std::runtime_error(text), status(code) {}
  const ap_status status;
};

/// The turn or call is not wanted any more (AP_E_CANCELLED, AP_E_DEADLINE, AP_E_GONE), or the host refused (other values).
class Stopped : public std::exception {
 public:
  explicit Stopped(ap_status code) noexcept : status(code) {}
  const char *what() const noexcept override { return "the host does not want it any more, or refused it"; }
  const ap_status status;
};

inline ap_str borrow(std::string_view text) noexcept { return ap_str{text.data(), text.size()}; }
inline std::string_view view(ap_str text) noexcept {
  return text.len ? std::string_view(text.ptr, text.len) : std::string_view();
}

/// The text as a JSON string, with its quotes.
inline std::string quote(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

/// A value in JSON text that somebody else keeps. What is not there is empty, and reads as such.
class Json {
 public:
  Json() = default;
  explicit Json(std::string_view text) noexcept : text_(text) {}

  /// The value at a JSON Pointer, e.g. "/items/0/title"; a last step "-" is the last element.
  Json at(const char *pointer) const noexcept { return Json(view(ap_json_find(borrow(text_), pointer))); }
  /// The text of a string; empty for anything else.
  std::string string() const {
    size_t length = 0;
    std::unique_ptr<char, void (*)(void *)> text(ap_json_decode(borrow(text_), &length), std::free);
    return text ? std::string(text.get(), length) : std::string();
  }
  double number(double otherwise = 0) const noexcept { return ap_json_number(borrow(text_), "", otherwise); }
  bool is_true() const noexcept { return text_ == "true"; }
  explicit operator bool() const noexcept { return !text_.empty(); }
  /// Calls `f(key, value)` for each member, or `f("", value)` for each element.
  template <class F>
  void each(F f) const {
    ap_str key, value;
    for (size_t position = 0; ap_json_next(borrow(text_), &position, &key, &value);) f(view(key), Json(view(value)));
  }
  std::string_view raw() const noexcept { return text_; }

 private:
  std::string_view text_;
};

namespace detail {
/// Why the objects that are being dropped on this thread were given up.
struct Failure {
  ap_status status = AP_E_FAILED;
  std::string_view text = "";
};
inline Failure &failure() noexcept {
  static thread_local Failure current;
  return current;
}
/// Within its life, dropped turns and calls finish with this status and text.
class Failing {
 public:
  Failing(ap_status status, std::string_view text) noexcept : before_(failure()) { failure() = {status, text}; }
  ~Failing() { failure() = before_; }
  Failing(const Failing &) = delete;
  Failing &operator=(const Failing &) = delete;

 private:
  Failure before_;
};
}  // namespace detail

/// An event of a request.
struct Event {
  ap_event kind;     ///< AP_EV_DATA, AP_EV_HEAD, AP_EV_PROGRESS; AP_EV_END last
  ap_status status;  ///< of AP_EV_END
  std::string_view data;
  bool is_end() const noexcept { return kind == AP_EV_END; }
};

/// The host's tables. Every function may be called from any thread; those that throw, throw Stopped when the host refuses, and
/// Error when the manifest does not list the extension.
class Host {
 public:
  explicit Host(const ap_host_r1 *host) noexcept
      : host_(host), log_(find<ap_host_log_r1>(AP_HOST_LOG)), turn_(find<ap_host_turn_r1>(AP_HOST_TURN)),
        call_(find<ap_host_call_r1>(AP_HOST_CALL)) {}

  /// Writes a line into the host's log. Without the extension ap.host.log/1 it goes to standard error, which the host logs too.
  void log(int level, std::string_view message, ap_handle scope = 0, std::string_view fields = "") const noexcept {
    if (log_) log_->log(host_, level, scope, borrow(message), borrow(fields));
    else std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  }

  ap_time now() const { return exec()->now(host_); }

  /// Calls `f(ap_status)` after `ms` milliseconds on the lane of `scope`: AP_OK, or AP_E_CANCELLED when it is over before.
  template <class F>
  ap_handle after(ap_handle scope, int64_t ms, F f) const {
    auto timer = [f = std::move(f)](const Event &event) mutable { f(event.status); };
    return start(scope, std::move(timer), [&](ap_event_fn fn, void *user, ap_handle *out) {
      return exec()->after(host_, scope, ms, fn, user, out);
    });
  }

  /// Calls `f()` soon on the lane of `scope`.
  template <class F>
  void post(ap_handle scope, F f) const { work(scope, std::move(f), exec()->post); }

  /// Calls `f()` soon on a thread that may block.
  template <class F>
  void run_blocking(ap_handle scope, F f) const { work(scope, std::move(f), exec()->run_blocking); }

  /// Asks a service (AP_HOST_KV, AP_HOST_TOOLS, …); calls `f(const Event &)` on the lane of `scope`, AP_EV_END last.
  template <class F>
  ap_handle request(const char *service, ap_handle scope, std::string_view op, std::string_view json, F f) const {
    const auto *table = need(find<ap_host_service_r1>(service), service);
    return start(scope, std::move(f), [&](ap_event_fn fn, void *user, ap_handle *out) {
      return table->request(host_, scope, borrow(op), borrow(json), borrow(""), fn, user, out);
    });
  }

  /// Cancels a timer or request: its end still comes, with AP_E_CANCELLED.
  void cancel(ap_handle request) const { exec()->cancel(host_, request); }

  /// The configuration's value at a JSON Pointer, as JSON text; empty when there is none.
  std::string config(std::string_view pointer) const {
    const auto *table = need(find<ap_host_config_r1>(AP_HOST_CONFIG), AP_HOST_CONFIG);
    int64_t length = table->get(host_, borrow(pointer), nullptr, 0);
    std::string out(length > 0 ? static_cast<size_t>(length) : 0, '\0');
    if (length > 0) table->get(host_, borrow(pointer), out.data(), out.size());
    return out;
  }

  /// Calls `f`; what it throws is logged and handed to `failed(status, text)`. Answers whether nothing was thrown.
  template <class F, class G>
  bool guard(const char *where, ap_handle scope, F &&f, G &&failed) const noexcept {
    try {
      f();
      return true;
    } catch (const Stopped &stopped) {
      failed(stopped.status, std::string_view());
    } catch (const Error &error) {
      report(where, scope, error.what());
      failed(error.status < 0 ? error.status : AP_E_FAILED, std::string_view(error.what()));
    } catch (const std::exception &exception) {
      report(where, scope, exception.what());
      failed(AP_E_FAILED, std::string_view());
    } catch (...) {
      report(where, scope, "something that is no std::exception");
      failed(AP_E_FAILED, std::string_view());
    }
    return false;
  }

  const ap_host_r1 *raw() const noexcept { return host_; }
  const ap_host_turn_r1 *turn_table() const noexcept { return turn_; }
  const ap_host_call_r1 *call_table() const noexcept { return call_; }

 private:
  template <class T>
  const T *find(const char *id) const noexcept { return static_cast<const T *>(host_->get_extension(host_, id)); }

  /// Looked up when it is used: the host remembers what a plugin asked for in vain, and names it when `create` fails.
  const ap_host_exec_r1 *exec() const { return need(find<ap_host_exec_r1>(AP_HOST_EXEC), AP_HOST_EXEC); }

  template <class T>
  static const T *need(const T *table, const char *id) {
    if (!table) throw Error(std::string("The manifest must list ") + id + " in requires or uses.", AP_E_DENIED);
    return table;
  }

  void report(const char *where, ap_handle scope, const char *what) const noexcept {
    char line[1024];
    std::snprintf(line, sizeof line, "%s threw an exception: %s", where, what);
    log(AP_LOG_ERROR, line, scope);
  }

  template <class F>
  struct Box {
    const Host *host;
    ap_handle scope;
    std::unique_ptr<F> f;
  };

  template <class F, class Start>
  ap_handle start(ap_handle scope, F f, Start begin) const {
    auto box = std::make_unique<Box<F>>(Box<F>{this, scope, std::make_unique<F>(std::move(f))});
    ap_handle request = 0;
    ap_status status = begin(&Host::receive<F>, box.get(), &request);
    if (status < 0) {
      detail::Failing failing(status, "");
      box.reset();
      throw Stopped(status);
    }
    static_cast<void>(box.release());  // its AP_EV_END frees it
    return request;
  }

  template <class F>
  static void receive(void *user, ap_handle, ap_event kind, ap_status status, ap_str data) noexcept {
    auto *box = static_cast<Box<F> *>(user);
    if (box->f) {
      box->host->guard(
          "A callback", box->scope, [&] { (*box->f)(Event{kind, status, view(data)}); },
          [&](ap_status why, std::string_view text) {
            detail::Failing failing(why, text);
            box->f.reset();
          });
    }
    if (kind != AP_EV_END) return;
    detail::Failing failing(status < 0 ? status : AP_E_FAILED, "");
    delete box;
  }

  template <class F, class Table>
  void work(ap_handle scope, F f, Table begin) const {
    auto box = std::make_unique<Box<F>>(Box<F>{this, scope, std::make_unique<F>(std::move(f))});
    ap_status status = begin(host_, scope, &Host::perform<F>, box.get());
    if (status < 0) throw Stopped(status);
    static_cast<void>(box.release());
  }

  template <class F>
  static void perform(void *user) noexcept {
    std::unique_ptr<Box<F>> box(static_cast<Box<F> *>(user));
    box->host->guard("Posted work", box->scope, [&] { (*box->f)(); },
                     [&](ap_status why, std::string_view text) {
                       detail::Failing failing(why, text);
                       box->f.reset();
                     });
  }

  const ap_host_r1 *host_;
  const ap_host_log_r1 *log_;
  const ap_host_turn_r1 *turn_;
  const ap_host_call_r1 *call_;
};

namespace detail {
/// A handle that is finished exactly once; `Self` is Turn or Call.
template <class Self, class Table>
class Finishing {
 public:
  Finishing(const Host &host, const Table *table, ap_handle handle) noexcept : host_(&host), table_(table), handle_(handle) {}
  Finishing(Finishing &&other) noexcept
      : host_(other.host_), table_(other.table_), handle_(std::exchange(other.handle_, 0)) {}
  Finishing &operator=(Finishing &&other) noexcept {
    if (this != &other) {
      give_up();
      host_ = other.host_;
      table_ = other.table_;
      handle_ = std::exchange(other.handle_, 0);
    }
    return *this;
  }
  ~Finishing() { give_up(); }

  /// 0 when it is finished or was moved away.
  ap_handle handle() const noexcept { return handle_; }
  const Host &host() const noexcept { return *host_; }
  /// AP_OK while it is wanted.
  ap_status state() const noexcept {
    return handle_ && table_ ? table_->state(host_->raw(), handle_) : AP_E_GONE;
  }
  /// Moves this into the host, which calls `f(Self &, ap_status)` on its lane after `ms` milliseconds: AP_OK, or AP_E_CANCELLED
  /// when it is over before. There, finish it or go on in the same way. Throws Stopped.
  template <class F>
  void after(int64_t ms, F f) {
    const Host &host = *host_;
    const ap_handle scope = handle_;
    host.after(scope, ms, [self = take(), f = std::move(f)](ap_status status) mutable { f(self, status); });
  }
  /// Moves this into the host, which calls `f(Self &, const Event &)` on its lane; AP_EV_END comes last. Throws Stopped.
  template <class F>
  void request(const char *service, std::string_view op, std::string_view json, F f) {
    const Host &host = *host_;
    const ap_handle scope = handle_;
    host.request(service, scope, op, json, [self = take(), f = std::move(f)](const Event &event) mutable { f(self, event); });
  }
  /// Moves this to a thread that may block, where `f(Self &)` is called. Throws Stopped.
  template <class F>
  void run_blocking(F f) {
    const Host &host = *host_;
    const ap_handle scope = handle_;
    host.run_blocking(scope, [self = take(), f = std::move(f)]() mutable { f(self); });
  }

  /// Fails it with a text to be read.
  void fail(std::string_view text, ap_status status = AP_E_FAILED) noexcept { end(status < 0 ? status : AP_E_FAILED, text); }

 protected:
  void end(ap_status status, std::string_view text) noexcept {
    if (ap_handle handle = std::exchange(handle_, 0)) {
      // One that was cancelled is finished already; finishing it again would count as a fault.
      if (table_ && table_->state(host_->raw(), handle) != AP_E_GONE) table_->finish(host_->raw(), handle, status, borrow(text));
    }
  }
  /// Throws when the host does not take it.
  ap_status check(ap_status status) const {
    if (status < 0) throw Stopped(status);
    return status;
  }
  const Table *table() const {
    if (!handle_ || !table_) throw Stopped(AP_E_GONE);
    return table_;
  }

 private:
  Self take() noexcept { return std::move(static_cast<Self &>(*this)); }
  void give_up() noexcept { end(failure().status, failure().text); }
  const Host *host_;
  const Table *table_;
  ap_handle handle_;
};
}  // namespace detail

/// A turn to be answered. May be moved to another thread; used by one thread at a time.
class Turn : public detail::Finishing<Turn, ap_host_turn_r1> {
 public:
  Turn(const Host &host, ap_handle handle) noexcept : Finishing(host, host.turn_table(), handle) {}
  /// Appends to the message `item`. AP_W_SLOW: pause until `writable`. Throws Stopped.
  ap_status text(std::string_view delta, uint32_t item = 0) const {
    return check(table()->text(host().raw(), handle(), item, borrow(delta)));
  }
  /// Emits something with structure; docs/emit-kinds.md lists the kinds. Throws Stopped.
  ap_status emit(std::string_view kind, std::string_view json, uint32_t item = 0) const {
    return check(table()->emit(host().raw(), handle(), item, borrow(kind), borrow(json)));
  }
  /// The item is complete. Throws Stopped.
  void done(uint32_t item = 0) const { check(table()->item_done(host().raw(), handle(), item)); }
  /// The answer is complete.
  void finish() noexcept { end(AP_OK, ""); }
};

/// A call of a tool or a model to be answered. May be moved to another thread; used by one thread at a time.
class Call : public detail::Finishing<Call, ap_host_call_r1> {
 public:
  Call(const Host &host, ap_handle handle) noexcept : Finishing(host, host.call_table(), handle) {}
  /// News, as JSON: `{"text": …}`. Throws Stopped.
  ap_status progress(std::string_view json) const { return check(table()->progress(host().raw(), handle(), borrow(json))); }
  /// A piece of text: what a model says, or how a tool is getting on. Throws Stopped.
  ap_status text(std::string_view delta) const { return progress("{\"text\":" + quote(delta) + "}"); }
  /// The result, as JSON.
  void finish(std::string_view json) noexcept { end(AP_OK, json); }
};

/// What there is to answer; valid during `answer`.
struct TurnRequest {
  explicit TurnRequest(const ap_turn_request_r1 &r) noexcept
      : agent(view(r.agent_id)), thread(view(r.thread_id)), subject(view(r.subject)), kind(view(r.kind)), input(view(r.input_json)),
        context(view(r.context_json)), deadline(r.deadline) {}
  std::string_view agent, thread, subject, kind;
  Json input, context;
  ap_time deadline;

  /// The text of the message (user_message, retry).
  std::string message() const {
    std::string text;
    input.at("/-/content").each([&](std::string_view, Json part) { text += part.at("/text").string(); });
    return text;
  }
};

/// One call of a tool; valid during `call`.
struct CallRequest {
  explicit CallRequest(const ap_call_request_r1 &r) noexcept
      : tool(view(r.tool)), subject(view(r.subject)), thread(view(r.thread_id)), agent(view(r.agent_id)), locale(view(r.locale)),
        arguments(view(r.args_json)), deadline(r.deadline) {}
  std::string_view tool, subject, thread, agent, locale;
  Json arguments;
  ap_time deadline;
};

/// Where a turn of a declarative agent is; valid during `hook`.
struct HookRequest {
  explicit HookRequest(const ap_hook_request_r1 &r) noexcept
      : agent(view(r.agent_id)), point(view(r.point)), subject(view(r.subject)), thread(view(r.thread_id)), locale(view(r.locale)),
        json(view(r.json)), deadline(r.deadline) {}
  std::string_view agent, point, subject, thread, locale;
  Json json;
  ap_time deadline;
};

/// The base of a plugin's class. Its constructor takes the host and the configuration, an object; it may throw: then the plugin is
/// refused. No work is open any more when it is destroyed.
class Plugin {
 public:
  using Turn = agent_plugin::Turn;
  using Call = agent_plugin::Call;
  using TurnRequest = agent_plugin::TurnRequest;
  using CallRequest = agent_plugin::CallRequest;
  using HookRequest = agent_plugin::HookRequest;

  Plugin(const Host &its_host, Json) : host(its_host) {}
  virtual ~Plugin() = default;
  Plugin(const Plugin &) = delete;
  Plugin &operator=(const Plugin &) = delete;

  virtual void answer(Turn &, const TurnRequest &) { throw Stopped(AP_E_UNSUPPORTED); }
  /// Speech to text (manifest: "accepts": ["transcription"]); finish with `{"text": …}`.
  virtual void transcribe(Call &, const TurnRequest &) { throw Stopped(AP_E_UNSUPPORTED); }
  virtual void call(Call &, const CallRequest &) { throw Stopped(AP_E_UNSUPPORTED); }
  virtual void complete(Call &, std::string_view /*model*/, Json /*request*/) { throw Stopped(AP_E_UNSUPPORTED); }
  /// The configuration has changed. What it throws refuses the new one.
  virtual void changed(Json) {}
  /// A turn of a declarative agent has come to a point of its "hooks"; finish with what changes, or "null". See hooks.h.
  virtual void hook(Call &, const HookRequest &) { throw Stopped(AP_E_UNSUPPORTED); }
  /// Finishes with the state for the next version, as JSON; see state.h.
  virtual void save(Call &) { throw Stopped(AP_E_UNSUPPORTED); }
  /// Takes over what `save` of the version before gave. Override both or none.
  virtual void load(Call &, std::string_view /*version*/, Json /*state*/) { throw Stopped(AP_E_UNSUPPORTED); }
  /// Finishes with "" when all is well; see health.h.
  virtual void check(Call &) { throw Stopped(AP_E_UNSUPPORTED); }
  /// The client of a turn that answered AP_W_SLOW has caught up.
  virtual void writable(ap_handle) {}
  /// A turn or call is not wanted any more. It is finished when this returns.
  virtual void cancelled(ap_handle, ap_status) {}
  /// No new work will come.
  virtual void drain() {}

  const Host host;
};

namespace detail {
/// The C functions of a plugin's class. Every one is noexcept and lets nothing through.
template <class P>
struct Tables {
  static P *self(ap_instance *instance) noexcept { return reinterpret_cast<P *>(instance); }

  static ap_status create(const ap_host_r1 *raw, ap_str config, ap_instance **out) noexcept {
    const Host host(raw);
    ap_status status = AP_E_FAILED;
    bool made = host.guard("The constructor", 0, [&] { *out = reinterpret_cast<ap_instance *>(new P(host, Json(view(config)))); },
                           [&](ap_status why, std::string_view) { status = why < 0 ? why : AP_E_FAILED; });
    return made ? AP_OK : status;
  }
  static void drain(ap_instance *instance) noexcept {
    self(instance)->host.guard("drain", 0, [&] { self(instance)->drain(); }, [](ap_status, std::string_view) {});
  }
  static void destroy(ap_instance *instance) noexcept { delete self(instance); }

  /// Once the turn or call has been made it finishes itself, so the answer is AP_OK.
  template <class Object, class F>
  static ap_status begin(ap_instance *instance, const char *where, ap_handle handle, F f) noexcept {
    const Host &host = self(instance)->host;
    Object object(host, handle);
    host.guard(where, handle, [&] { f(object); },
               [&](ap_status why, std::string_view text) { object.fail(text, why); });
    return AP_OK;
  }
  static ap_status turn_begin(ap_instance *instance, ap_handle handle, const ap_turn_request_r1 *request) noexcept {
    if (view(request->kind) == "transcription") {
      return begin<Call>(instance, "transcribe", handle,
                         [&](Call &call) { self(instance)->transcribe(call, TurnRequest(*request)); });
    }
    return begin<Turn>(instance, "answer", handle, [&](Turn &turn) { self(instance)->answer(turn, TurnRequest(*request)); });
  }
  static ap_status call_begin(ap_instance *instance, ap_handle handle, const ap_call_request_r1 *request) noexcept {
    return begin<Call>(instance, "call", handle, [&](Call &call) { self(instance)->call(call, CallRequest(*request)); });
  }
  static ap_status complete(ap_instance *instance, ap_handle handle, ap_str model, ap_str request, ap_time) noexcept {
    return begin<Call>(instance, "complete", handle,
                       [&](Call &call) { self(instance)->complete(call, view(model), Json(view(request))); });
  }
  static void tell(ap_instance *instance, ap_handle handle, ap_status why) noexcept {
    self(instance)->host.guard("cancelled", handle, [&] { self(instance)->cancelled(handle, why); },
                               [](ap_status, std::string_view) {});
  }
  static void turn_cancel(ap_instance *instance, ap_handle handle, ap_status why) noexcept {
    const Host &host = self(instance)->host;
    tell(instance, handle, why);
    Turn(host, handle).fail("", why);
    Call(host, handle).fail("", why);  // the handle of a transcription is a call
  }
  static void call_cancel(ap_instance *instance, ap_handle handle, ap_status why) noexcept {
    const Host &host = self(instance)->host;
    tell(instance, handle, why);
    Call(host, handle).fail("", why);
  }
  static void turn_writable(ap_instance *instance, ap_handle handle) noexcept {
    self(instance)->host.guard("writable", handle, [&] { self(instance)->writable(handle); }, [](ap_status, std::string_view) {});
  }
  static ap_status changed(ap_instance *instance, ap_str config) noexcept {
    return self(instance)->host.guard("changed", 0, [&] { self(instance)->changed(Json(view(config))); },
                                      [](ap_status, std::string_view) {})
               ? AP_OK
               : AP_E_INVALID;
  }

  static ap_status hook_begin(ap_instance *instance, ap_handle handle, const ap_hook_request_r1 *request) noexcept {
    return begin<Call>(instance, "hook", handle, [&](Call &call) { self(instance)->hook(call, HookRequest(*request)); });
  }
  static ap_status save(ap_instance *instance, ap_handle handle) noexcept {
    return begin<Call>(instance, "save", handle, [&](Call &call) { self(instance)->save(call); });
  }
  static ap_status load(ap_instance *instance, ap_handle handle, ap_str version, ap_str state) noexcept {
    return begin<Call>(instance, "load", handle,
                       [&](Call &call) { self(instance)->load(call, view(version), Json(view(state))); });
  }
  static ap_status check(ap_instance *instance, ap_handle handle) noexcept {
    return begin<Call>(instance, "check", handle, [&](Call &call) { self(instance)->check(call); });
  }

  static const void *get_extension(ap_instance *, const char *id) noexcept {
    static const ap_agent_r1 agent = {sizeof(ap_agent_r1), 0, turn_begin, turn_cancel, turn_writable};
    static const ap_tools_r1 tools = {sizeof(ap_tools_r1), 0, call_begin, call_cancel};
    static const ap_model_r1 model = {sizeof(ap_model_r1), 0, complete, call_cancel};
    static const ap_config_r1 config = {sizeof(ap_config_r1), 0, changed};
    static const ap_state_r1 state = {sizeof(ap_state_r1), 0, save, load};
    static const ap_agent_hooks_r1 hooks = {sizeof(ap_agent_hooks_r1), 0, hook_begin, call_cancel};
    static const ap_health_r1 health = {sizeof(ap_health_r1), 0, check};
    // A function that is not overridden has the type of the base's.
    constexpr bool answers = !std::is_same_v<decltype(&P::answer), decltype(&Plugin::answer)>;
    constexpr bool calls = !std::is_same_v<decltype(&P::call), decltype(&Plugin::call)>;
    constexpr bool completes = !std::is_same_v<decltype(&P::complete), decltype(&Plugin::complete)>;
    constexpr bool changes = !std::is_same_v<decltype(&P::changed), decltype(&Plugin::changed)>;
    constexpr bool hooked = !std::is_same_v<decltype(&P::hook), decltype(&Plugin::hook)>;
    constexpr bool saves = !std::is_same_v<decltype(&P::save), decltype(&Plugin::save)>;
    constexpr bool checks = !std::is_same_v<decltype(&P::check), decltype(&Plugin::check)>;
    const std::string_view name(id);
    if (answers && name == AP_EXT_AGENT) return &agent;
    if (calls && name == AP_EXT_TOOLS) return &tools;
    if (completes && name == AP_EXT_MODEL) return &model;
    if (changes && name == AP_EXT_CONFIG) return &config;
    if (hooked && name == AP_EXT_AGENT_HOOKS) return &hooks;
    if (saves && name == AP_EXT_STATE) return &state;
    if (checks && name == AP_EXT_HEALTH) return &health;
    return nullptr;
  }

  static const ap_plugin_r1 *entry() noexcept {
    static const ap_plugin_r1 plugin = {
        sizeof(ap_plugin_r1), AP_ABI_DRAFT, P::id, P::version, create, drain, destroy, get_extension};
    return &plugin;
  }
};
}  // namespace detail

}  // namespace agent_plugin

/// Exports the plugin; once for each library, outside of any namespace.
#define AGENT_PLUGIN(Class)                                                  \
  AP_EXPORT const ap_plugin_r1 *AP_NULLABLE ap_plugin_entry_v1(void) {       \
    return ::agent_plugin::detail::Tables<Class>::entry();                   \
  }

#endif
