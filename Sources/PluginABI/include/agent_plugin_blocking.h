/* agent_plugin_blocking.h - for authors who would rather wait than be called back.
 *
 * Not a part of the ABI: this header is compiled into your plugin (C11 or C++17, POSIX threads) and uses the tables that any plugin
 * can use. Its functions wait, so they may be called only where waiting is allowed: in the begin function of what the manifest
 * declares as "mode": "blocking", in work of `run_blocking`, and on threads of your own. Elsewhere they answer AP_E_INVALID.
 *
 * The manifest must list ap.host.exec/1 beside the services that are used. Keep one `ap_blocking` in your instance:
 *
 *   create:         ap_blocking_open(&self->blocking, host)
 *   turn_cancel:    ap_blocking_cancel(&self->blocking, turn, why)     and nothing else: `turn_begin` is woken and finishes
 *   call_cancel:    ap_blocking_cancel(&self->blocking, call, why)
 *   turn_writable:  ap_blocking_writable(&self->blocking, turn)
 *   destroy:        ap_blocking_close(&self->blocking)
 *
 * What waits for a turn or call that is cancelled answers AP_E_CANCELLED or AP_E_DEADLINE at once. */
#ifndef AGENT_PLUGIN_BLOCKING_H
#define AGENT_PLUGIN_BLOCKING_H

#include "agent_plugin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One thread that waits; lives on its stack. */
typedef struct ap_waiter_ {
  struct ap_blocking *AP_NONNULL owner;
  struct ap_waiter_ *AP_NULLABLE previous, *AP_NULLABLE next;
  pthread_cond_t changed;
  ap_handle scope;
  ap_status cancelled;        /* 0, or why the scope was cancelled */
  bool ended, writable;
  struct ap_piece_ *AP_NULLABLE first, *AP_NULLABLE last; /* events that came and were not taken yet */
} ap_waiter_;

typedef struct ap_piece_ {
  struct ap_piece_ *AP_NULLABLE next;
  ap_event event;
  ap_status status;
  size_t length; /* of the text, which follows and is NUL-terminated */
} ap_piece_;

static inline char *AP_NONNULL ap_piece_text_(ap_piece_ *AP_NONNULL piece) { return (char *)(piece + 1); }

typedef struct ap_blocking {
  const ap_host_r1 *AP_NULLABLE host;
  const ap_host_exec_r1 *AP_NULLABLE exec;
  const ap_host_turn_r1 *AP_NULLABLE turn;
  const ap_host_call_r1 *AP_NULLABLE call;
  pthread_mutex_t lock;
  ap_waiter_ *AP_NULLABLE waiters;
} ap_blocking;

/* To be called in `create`. AP_E_DENIED: the manifest does not list ap.host.exec/1. */
static inline ap_status ap_blocking_open(ap_blocking *AP_NONNULL b, const ap_host_r1 *AP_NONNULL host) {
  memset(b, 0, sizeof *b);
  b->host = host;
  b->exec = (const ap_host_exec_r1 *)host->get_extension(host, AP_HOST_EXEC);
  b->turn = (const ap_host_turn_r1 *)host->get_extension(host, AP_HOST_TURN);
  b->call = (const ap_host_call_r1 *)host->get_extension(host, AP_HOST_CALL);
  if (!b->exec) return AP_E_DENIED;
  return pthread_mutex_init(&b->lock, NULL) == 0 ? AP_OK : AP_E_LIMIT;
}

/* To be called in `destroy`: nobody waits any more. */
static inline void ap_blocking_close(ap_blocking *AP_NONNULL b) { pthread_mutex_destroy(&b->lock); }

/* To be called in `turn_cancel`, `call_cancel` and `cancel`: wakes what waits for this turn or call.            [any] */
static inline void ap_blocking_cancel(ap_blocking *AP_NONNULL b, ap_handle scope, ap_status why) {
  pthread_mutex_lock(&b->lock);
  for (ap_waiter_ *w = b->waiters; w; w = w->next) {
    if (w->scope != scope) continue;
    w->cancelled = why < 0 ? why : AP_E_CANCELLED;
    pthread_cond_signal(&w->changed);
  }
  pthread_mutex_unlock(&b->lock);
}

/* To be called in `turn_writable`.                                                                              [any] */
static inline void ap_blocking_writable(ap_blocking *AP_NONNULL b, ap_handle turn) {
  pthread_mutex_lock(&b->lock);
  for (ap_waiter_ *w = b->waiters; w; w = w->next) {
    if (w->scope != turn) continue;
    w->writable = true;
    pthread_cond_signal(&w->changed);
  }
  pthread_mutex_unlock(&b->lock);
}

/* AP_OK while the turn or call is wanted; else AP_E_CANCELLED, AP_E_DEADLINE or AP_E_GONE. Always AP_OK for 0.  [any] */
static inline ap_status ap_blocking_state(ap_blocking *AP_NONNULL b, ap_handle scope) {
  if (!scope) return AP_OK;
  ap_status status = b->turn ? b->turn->state(b->host, scope) : AP_E_GONE;
  return status == AP_E_GONE && b->call ? b->call->state(b->host, scope) : status;
}

static inline ap_status ap_waiter_enter_(ap_blocking *AP_NONNULL b, ap_waiter_ *AP_NONNULL w, ap_handle scope) {
  memset(w, 0, sizeof *w);
  if (b->exec->lane(b->host) & (AP_LANE_TURN | AP_LANE_CONTROL)) return AP_E_INVALID;
  if (pthread_cond_init(&w->changed, NULL) != 0) return AP_E_LIMIT;
  w->owner = b;
  w->scope = scope;
  pthread_mutex_lock(&b->lock);
  w->next = b->waiters;
  if (w->next) w->next->previous = w;
  b->waiters = w;
  pthread_mutex_unlock(&b->lock);
  /* From here on a cancel finds the waiter; one that came before is seen here. */
  ap_status state = ap_blocking_state(b, scope);
  if (state < 0) {
    pthread_mutex_lock(&b->lock);
    w->cancelled = state;
    pthread_mutex_unlock(&b->lock);
  }
  return AP_OK;
}

static inline void ap_waiter_leave_(ap_blocking *AP_NONNULL b, ap_waiter_ *AP_NONNULL w) {
  pthread_mutex_lock(&b->lock);
  if (w->previous) w->previous->next = w->next;
  else b->waiters = w->next;
  if (w->next) w->next->previous = w->previous;
  pthread_mutex_unlock(&b->lock);
  while (w->first) {
    ap_piece_ *piece = w->first;
    w->first = piece->next;
    free(piece);
  }
  pthread_cond_destroy(&w->changed);
}

/* The callback of every wait: on the lane of the scope. */
static inline void ap_waiter_event_(void *AP_NULLABLE user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  ap_waiter_ *w = (ap_waiter_ *)user;
  (void)request;
  ap_piece_ *piece = (ap_piece_ *)malloc(sizeof *piece + data.len + 1);
  if (piece) {
    piece->next = NULL;
    piece->event = event;
    piece->status = status;
    piece->length = data.len;
    if (data.len) memcpy(ap_piece_text_(piece), data.ptr, data.len);
    ap_piece_text_(piece)[data.len] = 0;
  }
  /* The waiter lies on the stack of a thread that may leave as soon as it has seen the end and got the lock. */
  ap_blocking *b = w->owner;
  pthread_mutex_lock(&b->lock);
  if (piece) {
    if (w->last) w->last->next = piece;
    else w->first = piece;
    w->last = piece;
  }
  if (event == AP_EV_END) w->ended = true;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&b->lock);
}

/* What a request ended with. */
typedef struct ap_answer {
  ap_status status;
  char *AP_NULLABLE text; /* the result, or the reason; NUL-terminated; null when there is none */
  size_t length;
} ap_answer;

static inline void ap_answer_free(ap_answer *AP_NONNULL answer) {
  free(answer->text);
  memset(answer, 0, sizeof *answer);
}

/* A piece of an answer that goes on; called on the waiting thread. */
typedef void (*ap_each_fn)(void *AP_NULLABLE user, ap_event event, ap_str data);

/* Waits for the end of a request that was accepted; gives the pieces before it to `each`. */
static inline ap_status ap_waiter_wait_(ap_blocking *AP_NONNULL b, ap_waiter_ *AP_NONNULL w, ap_handle request,
                                        ap_each_fn AP_NULLABLE each, void *AP_NULLABLE user, ap_answer *AP_NULLABLE answer) {
  ap_status result = AP_OK;
  bool told = false, over = false;
  pthread_mutex_lock(&b->lock);
  while (!over) {
    ap_piece_ *piece = w->first;
    if (piece) {
      w->first = piece->next;
      if (!w->first) w->last = NULL;
      pthread_mutex_unlock(&b->lock);
      ap_str data = {ap_piece_text_(piece), piece->length};
      over = piece->event == AP_EV_END;
      if (over) {
        result = piece->status;
        if (answer) {
          answer->status = result;
          answer->text = (char *)malloc(data.len + 1);
          if (answer->text) memcpy(answer->text, data.ptr, data.len + 1);
          answer->length = answer->text ? data.len : 0;
          if (!answer->text) result = answer->status = AP_E_LIMIT;
        }
      } else if (each && !told) {
        each(user, piece->event, data);
      }
      free(piece);
      pthread_mutex_lock(&b->lock);
    } else if (w->ended) {
      result = AP_E_LIMIT; /* no memory for its last event */
      over = true;
    } else if (w->cancelled && !told) {
      told = true; /* the end arrives soon */
      pthread_mutex_unlock(&b->lock);
      b->exec->cancel(b->host, request);
      pthread_mutex_lock(&b->lock);
    } else {
      pthread_cond_wait(&w->changed, &b->lock);
    }
  }
  ap_status why = w->cancelled;
  pthread_mutex_unlock(&b->lock);
  return result == AP_E_CANCELLED && why < 0 ? why : result;
}

/* Sleeps. AP_OK when the time is over; AP_E_CANCELLED, AP_E_DEADLINE, AP_E_GONE when `scope` is not wanted any more. */
static inline ap_status ap_sleep(ap_blocking *AP_NONNULL b, ap_handle scope, int64_t ms) {
  ap_waiter_ w;
  ap_handle timer = 0;
  ap_status status = ap_waiter_enter_(b, &w, scope);
  if (status < 0) return status;
  status = b->exec->after(b->host, scope, ms, ap_waiter_event_, &w, &timer);
  if (status >= 0) status = ap_waiter_wait_(b, &w, timer, NULL, NULL, NULL);
  ap_waiter_leave_(b, &w);
  return status;
}

/* Asks a service and waits for the end; pieces and progress before it go to `each`, which may be null. Answers the status of the
 * end, or why the request was not accepted. `answer` may be null; else free it with ap_answer_free in any case. */
static inline ap_status ap_ask_each(ap_blocking *AP_NONNULL b, const ap_host_service_r1 *AP_NULLABLE service, ap_handle scope,
                                    ap_str op, ap_str json, ap_each_fn AP_NULLABLE each, void *AP_NULLABLE user,
                                    ap_answer *AP_NULLABLE answer) {
  ap_waiter_ w;
  ap_handle request = 0;
  const ap_str no_body = {NULL, 0};
  if (answer) memset(answer, 0, sizeof *answer);
  if (!service) return AP_E_DENIED;
  ap_status status = ap_waiter_enter_(b, &w, scope);
  if (status < 0) return status;
  status = service->request(b->host, scope, op, json, no_body, ap_waiter_event_, &w, &request);
  if (status >= 0) status = ap_waiter_wait_(b, &w, request, each, user, answer);
  ap_waiter_leave_(b, &w);
  if (answer) answer->status = status;
  return status;
}

/* The same for services that answer in one piece. */
static inline ap_status ap_ask(ap_blocking *AP_NONNULL b, const ap_host_service_r1 *AP_NULLABLE service, ap_handle scope, ap_str op,
                               ap_str json, ap_answer *AP_NULLABLE answer) {
  return ap_ask_each(b, service, scope, op, json, NULL, NULL, answer);
}

/* Says something in a turn and waits while the client is behind. AP_OK, or why to stop: then finish the turn. */
static inline ap_status ap_say(ap_blocking *AP_NONNULL b, ap_handle turn, uint32_t item, ap_str text) {
  ap_waiter_ w;
  if (!b->turn) return AP_E_DENIED;
  ap_status status = ap_waiter_enter_(b, &w, turn);
  if (status < 0) return status;
  status = b->turn->text(b->host, turn, item, text);
  if (status == AP_W_SLOW) {
    pthread_mutex_lock(&b->lock);
    while (!w.writable && !w.cancelled) pthread_cond_wait(&w.changed, &b->lock);
    status = w.cancelled;
    pthread_mutex_unlock(&b->lock);
  }
  ap_waiter_leave_(b, &w);
  return status;
}

#endif
