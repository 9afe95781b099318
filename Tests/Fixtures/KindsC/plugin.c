/* KindsC - a coded agent that emits every kind there is. The person names an example ("widget", "ask", ...); "all" runs those that
 * leave the turn open, one after the other. docs/emit-kinds.md explains each and shows the same JSON: a test compares. */
#include "../fixture.h"

/* JSON written as JSON, instead of in a C string with escapes. */
#define JSON(...) #__VA_ARGS__

#define TEXT "text"      /* not a kind: ap_host_turn_r1 `text` */
#define DONE "item_done" /* not a kind: ap_host_turn_r1 `item_done` */

typedef struct example {
  const char *name; /* what the person says */
  uint32_t item;    /* number of the item; 0 where it does not matter */
  const char *kind;
  const char *json; /* of TEXT: the text */
} example;

static const example examples[] = {
    {"options", 0, "options", JSON({"allow_cancel": false})},

    {"progress", 0, "progress", JSON({"text": "Looking it up", "icon": "search"})},
    {"notice", 0, "notice", JSON({"level": "warning", "title": "Busy", "message": "This may take **long**."})},
    {"effect", 0, "effect", JSON({"name": "confetti", "data": {"pieces": 200}})},

    {"message", 1, TEXT, "Rome was not built in a day"},
    {"message", 1, "annotation",
     JSON({"index": 4, "source": {"type": "url", "title": "Rome", "url": "https://example.com/rome"}})},
    {"message", 1, "annotation", JSON({"source": {"type": "file", "title": "Notes", "filename": "notes.txt"}})},
    {"message", 1, "annotation",
     JSON({"source": {"type": "entity", "id": "city_1", "title": "Rome", "icon": "map-pin", "label": "City"}})},
    {"message", 1, TEXT, "."},
    {"message", 1, DONE, ""},

    {"workflow", 2, "workflow", JSON({"type": "reasoning", "expanded": true})},
    {"workflow", 2, "task", JSON({"title": "Reading", "icon": "book-open", "status_indicator": "loading"})},
    {"workflow", 2, "task",
     JSON({"index": 0, "title": "Reading", "icon": "book-open", "content": "3 pages", "status_indicator": "complete"})},
    {"workflow", 2, "task",
     JSON({"type": "web_search", "title_query": "rome", "queries": ["rome age"],
           "sources": [{"title": "Rome", "url": "https://example.com/rome"}]})},
    {"workflow", 2, "task", JSON({"type": "thought", "title": "Hm", "content": "Seven hills."})},
    {"workflow", 2, "task", JSON({"type": "file", "sources": [{"title": "Notes", "filename": "notes.txt"}]})},
    {"workflow", 2, "task", JSON({"type": "image", "title": "A sketch"})},
    {"workflow", 2, "workflow_end", JSON({"summary": {"title": "Read 3 pages", "icon": "check"}, "expanded": false})},

    {"task", 3, "task", JSON({"title": "Booking", "status_indicator": "loading"})},
    {"task", 3, "task", JSON({"title": "Booking", "status_indicator": "complete"})},
    {"task", 3, DONE, ""},

    {"widget", 4, "widget",
     JSON({"type": "Card", "children": [
       {"type": "Text", "id": "city", "value": "Ro", "streaming": true},
       {"type": "Badge", "id": "mood", "label": "sunny", "color": null}]})},
    {"widget", 4, "widget",
     JSON({"type": "Card", "children": [
       {"type": "Text", "id": "city", "value": "Rome", "streaming": true},
       {"type": "Badge", "id": "mood", "label": "sunny"}]})},
    {"widget", 4, "widget",
     JSON({"type": "Card", "children": [
       {"type": "Text", "id": "city", "value": "Rome", "streaming": true},
       {"type": "Badge", "id": "mood", "label": "rainy"}]})},
    {"widget", 4, "widget.text", JSON({"id": "city", "delta": ", Italy", "done": true})},
    {"widget", 4, "widget",
     JSON({"copy_text": "Rome, Italy: rainy", "widget": {"type": "Card", "size": "sm", "children": [
       {"type": "Text", "id": "city", "value": "Rome, Italy"},
       {"type": "Badge", "id": "mood", "label": "rainy"},
       {"type": "Button", "label": "Refresh", "onClickAction": {"type": "refresh", "payload": {"city": "Rome"}}}]}})},
    {"widget", 4, DONE, ""},

    {"image", 5, "image", JSON({})},
    {"image", 5, "image", JSON({"image": {"url": "https://example.com/rough.png"}, "progress": 0.5})},
    {"image", 5, "image", JSON({"image": {"url": "https://example.com/fine.png"}, "progress": 1})},
    {"image", 5, DONE, ""},

    {"hidden", 0, "hidden_context", JSON({"content": {"seen": ["Rome"], "hint": null}})},
    {"thread", 0, "thread",
     JSON({"title": "Rome", "status": {"type": "locked", "reason": "Fully booked"}, "metadata": {"city": "Rome"},
           "allowed_image_domains": ["example.com"]})},
    {"item", 6, "item",
     JSON({"type": "assistant_message", "content": [{"type": "output_text", "text": "Written at once."}]})},
    {"replace", 6, "replace",
     JSON({"item": {"type": "assistant_message", "content": [{"type": "output_text", "text": "Written anew."}]}})},
    {"item", 7, "item", JSON({"type": "task", "task": {"title": "A mistake"}})},
    {"remove", 7, "remove", JSON({})},
    {"end_of_turn", 0, "end_of_turn", JSON({})},
    {"reopen", 0, "thread", JSON({"status": {"type": "active"}, "metadata": {"city": null}})},

    {"ask", 8, "structured_input",
     JSON({"inputs": [
       {"id": "when", "question": "When?", "options": [{"value": "today"}, {"value": "tomorrow"}]},
       {"id": "why", "question": "Why?", "description": "In a few words"}]})},
    {"client", 9, "client_tool_call", JSON({"name": "get_location", "arguments": {"accuracy": "high"}})},
    {"error", 0, "error", JSON({"message": "Come back tomorrow.", "allow_retry": true})},
};

struct ap_instance {
  const ap_host_r1 *host;
  const ap_host_turn_r1 *turn;
  const ap_host_call_r1 *call;
  const ap_host_service_r1 *thread;
  pthread_mutex_t lock;
  char *feedback; /* the last one, as it came */
};

static void finish(ap_instance *self, ap_handle turn, ap_status status, const char *message) {
  self->turn->finish(self->host, turn, status, str(message));
}

static ap_status run(ap_instance *self, ap_handle turn, const example *e) {
  if (strcmp(e->kind, TEXT) == 0) return self->turn->text(self->host, turn, e->item, str(e->json));
  if (strcmp(e->kind, DONE) == 0) return self->turn->item_done(self->host, turn, e->item);
  return self->turn->emit(self->host, turn, e->item, str(e->kind), str(e->json));
}

/* Whether the example ends the turn, or waits for something: not part of "all". */
static bool is_last(const example *e) {
  return strcmp(e->name, "ask") == 0 || strcmp(e->name, "client") == 0 || strcmp(e->name, "error") == 0;
}

/* ---- what the person says ---- */

static void answered(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  void **pair = user;
  (void)request;
  if (event != AP_EV_END) return;
  ap_instance *self = pair[0];
  ap_handle turn = (ap_handle)(uintptr_t)pair[1];
  if (status == AP_OK) self->turn->text(self->host, turn, 1, data);
  finish(self, turn, status, "The thread could not be read.");
  free(pair);
}

/* "items {...}" and "thread {}": asks ap.host.thread/1 and prints the answer. */
static void read_thread(ap_instance *self, ap_handle turn, const char *op, const char *json) {
  void **pair = must(malloc(2 * sizeof *pair));
  pair[0] = self;
  pair[1] = (void *)(uintptr_t)turn;
  ap_status status =
      self->thread->request(self->host, turn, str(op), str(*json ? json : "{}"), str(""), answered, pair, NULL);
  if (status == AP_OK) return;
  free(pair);
  finish(self, turn, status, "The thread could not be read.");
}

static void say(ap_instance *self, ap_handle turn, const char *text) {
  self->turn->text(self->host, turn, 1, str(text));
  finish(self, turn, AP_OK, "");
}

static void user_message(ap_instance *self, ap_handle turn, const char *item) {
  char *text = json_content(json_member(item, "content"));
  bool all = strcmp(text, "all") == 0, known = all;
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    const example *e = &examples[i];
    if (all ? is_last(e) : strcmp(e->name, text) != 0) continue;
    known = true;
    if (run(self, turn, e) < 0) break; /* the turn was cancelled */
  }
  if (known) {
    finish(self, turn, AP_OK, ""); /* answers AP_E_GONE where the host has ended the turn */
  } else if (strncmp(text, "items", 5) == 0) {
    read_thread(self, turn, "items", text + 5);
  } else if (strcmp(text, "get") == 0) {
    read_thread(self, turn, "get", "");
  } else if (strcmp(text, "feedback") == 0) {
    pthread_mutex_lock(&self->lock);
    char *feedback = copy(str(self->feedback ? self->feedback : "none"));
    pthread_mutex_unlock(&self->lock);
    say(self, turn, feedback);
    free(feedback);
  } else {
    say(self, turn, "There is no such example.");
  }
  free(text);
}

/* ---- the other kinds of turns ---- */

static void client_tool_output(ap_instance *self, ap_handle turn, const char *item) {
  char *output = json_raw(json_member(item, "output")), *text = format("The page answered %s.", output);
  say(self, turn, text);
  free(text);
  free(output);
}

static void structured_input(ap_instance *self, ap_handle turn, const char *item) {
  char *status = json_text(json_member(item, "status"));
  char *answer = json_raw(json_member(json_element(json_member(item, "inputs"), false), "answer"));
  char *text = format("You have %s: %s.", status, answer);
  say(self, turn, text);
  free(text);
  free(answer);
  free(status);
}

/* An action of a widget replaces it: its id is kept. Without a widget "add" makes one, and "fail" fails. */
static void action(ap_instance *self, ap_handle turn, const char *input, bool sync) {
  char *type = json_text(json_member(json_member(input, "action"), "type"));
  char *payload = json_raw(json_member(json_member(input, "action"), "payload"));
  char *shown = format("%s %s", type, payload), *value = quoted(shown);
  char *widget = format("{\"type\":\"Card\",\"children\":[{\"type\":\"Text\",\"id\":\"did\",\"value\":%s}]}", value);
  const char *item = json_member(input, "item_id");
  if (item) {
    char *id = json_raw(item), *created = json_raw(json_member(json_member(input, "item"), "created_at"));
    char *json = format("{\"id\":%s,\"item\":{\"type\":\"widget\",\"created_at\":%s,\"widget\":%s}}", id, created, widget);
    self->turn->emit(self->host, turn, 1, str("replace"), str(json));
    free(json);
    free(created);
    free(id);
  } else if (strcmp(type, "add") == 0) {
    self->turn->emit(self->host, turn, 1, str("widget"), str(widget));
  } else if (!sync) {
    self->turn->text(self->host, turn, 1, str(shown));
  }
  bool failed = strcmp(type, "fail") == 0;
  finish(self, turn, failed ? AP_E_FAILED : AP_OK, failed ? "Told to fail." : "");
  free(widget);
  free(value);
  free(shown);
  free(payload);
  free(type);
}

static void take_feedback(ap_instance *self, ap_handle turn, const char *input) {
  pthread_mutex_lock(&self->lock);
  free(self->feedback);
  self->feedback = json_raw(input);
  pthread_mutex_unlock(&self->lock);
  finish(self, turn, AP_OK, "");
}

/* Answered like a call: the handle is one. */
static ap_status transcription(ap_instance *self, ap_handle call, const char *input) {
  char *audio = json_text(json_member(input, "audio_base64")), *type = json_text(json_member(input, "mime_type"));
  ap_status status = strncmp(type, "audio/", 6) ? AP_E_UNSUPPORTED : AP_OK;
  if (status == AP_OK) {
    char *text = format("{\"text\":\"%zu characters of speech\"}", strlen(audio));
    self->call->finish(self->host, call, AP_OK, str(text));
    free(text);
  }
  free(type);
  free(audio);
  return status;
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  char *kind = copy(request->kind), *input = copy(request->input_json);
  const char *item = json_element(input, true);
  ap_status status = AP_OK;
  if (strcmp(kind, "user_message") == 0 || strcmp(kind, "retry") == 0) user_message(self, turn, item);
  else if (strcmp(kind, "client_tool_output") == 0) client_tool_output(self, turn, item);
  else if (strcmp(kind, "structured_input") == 0) structured_input(self, turn, item);
  else if (strcmp(kind, "action") == 0) action(self, turn, item, false);
  else if (strcmp(kind, "sync_action") == 0) action(self, turn, item, true);
  else if (strcmp(kind, "feedback") == 0) take_feedback(self, turn, item);
  else if (strcmp(kind, "transcription") == 0) status = transcription(self, turn, item);
  else status = AP_E_UNSUPPORTED;
  free(input);
  free(kind);
  return status;
}

static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) {
  finish(self, turn, why, "");
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = must(calloc(1, sizeof *self));
  self->host = host;
  self->turn = host->get_extension(host, AP_HOST_TURN);
  self->call = host->get_extension(host, AP_HOST_CALL);
  self->thread = host->get_extension(host, AP_HOST_THREAD);
  pthread_mutex_init(&self->lock, NULL);
  *out = self; /* none of the tables is null: the manifest requires them */
  return AP_OK;
}

static void destroy(ap_instance *self) {
  pthread_mutex_destroy(&self->lock);
  free(self->feedback);
  free(self);
}

static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, NULL};

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
}

PLUGIN("dev.agenthost.fixture.kinds-c", "1.0.0", create, NULL, destroy, get_extension)
