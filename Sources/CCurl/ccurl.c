#define _GNU_SOURCE
#include "ccurl.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Connections kept for later requests, at most; and how long a name's address is believed. */
#define KEPT_CONNECTIONS 256L
#define NAME_SECONDS 30L

struct ccurl_loop {
  CURLM *multi;
  ccurl_callbacks callbacks;
  int epoll, wake;
  int64_t due; /* milliseconds of the monotonic clock; negative: libcurl waits for nothing */
};

struct ccurl_transfer {
  ccurl_loop *loop;
  void *context;
  CURL *easy;
  struct curl_slist *fields;
  bool only_public, is_forbidden;
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- addresses ---- */

static bool in_range(uint32_t address, uint32_t net, int bits) { return (address ^ net) >> (32 - bits) == 0; }

/* IANA's special-purpose registry (RFC 6890), multicast and what is reserved. */
static bool is_public_4(uint32_t a) {
  static const struct { uint32_t net; int bits; } special[] = {
      {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0000000, 24},
      {0xC0000200, 24}, {0xC0586300, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24}, {0xE0000000, 3}};
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    if (in_range(a, special[i].net, special[i].bits)) return false;
  return true;
}

static uint32_t word(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_public_6(const uint8_t *a) {
  static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF}, nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
  if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12)) return is_public_4(word(a + 12));
  if (a[0] == 0x20 && a[1] == 0x02) return is_public_4(word(a + 2)); /* 6to4 */
  /* Only 2000::/3 is routed; of that, 2001::/23 is for protocols (Teredo, …) and 2001:db8::/32 for documents. */
  if (a[0] >> 5 != 1) return false;
  if (a[0] == 0x20 && a[1] == 0x01 && (a[2] < 2 || (a[2] == 0x0D && a[3] == 0xB8))) return false;
  return true;
}

static bool is_public(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) return is_public_4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
  if (address->sa_family == AF_INET6) return is_public_6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
  return false;
}

static bool parse(const char *text, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  struct sockaddr_in *four = (void *)out;
  struct sockaddr_in6 *six = (void *)out;
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) four->sin_family = AF_INET;
  else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) six->sin6_family = AF_INET6;
  else return false;
  return true;
}

bool ccurl_is_address(const char *text) {
  struct sockaddr_storage address;
  return parse(text, &address);
}

bool ccurl_is_public(const char *text) {
  struct sockaddr_storage address;
  return parse(text, &address) && is_public((struct sockaddr *)&address);
}

/* ---- the loop ---- */

static int socket_changed(CURL *easy, curl_socket_t descriptor, int what, void *user, void *unused) {
  (void)easy, (void)unused;
  const ccurl_loop *loop = user;
  struct epoll_event event = {.data.fd = descriptor};
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, descriptor, &event);
    return 0;
  }
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, descriptor, &event) && errno == ENOENT)
    epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &event);
  return 0;
}

static int timer_changed(CURLM *multi, long timeout_ms, void *user) {
  (void)multi;
  ccurl_loop *loop = user;
  loop->due = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
  return 0;
}

ccurl_loop *ccurl_loop_create(const ccurl_callbacks *callbacks) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT)) return NULL;
  ccurl_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return NULL;
  loop->callbacks = *callbacks;
  loop->due = -1;
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  loop->multi = curl_multi_init();
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = loop->wake};
  if (loop->epoll < 0 || loop->wake < 0 || !loop->multi || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event)) {
    ccurl_loop_destroy(loop);
    return NULL;
  }
  curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
  curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
  curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
  curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
  curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
  return loop;
}

void ccurl_loop_close(ccurl_loop *loop) {
  if (loop->multi) curl_multi_cleanup(loop->multi);
  loop->multi = NULL;
}

void ccurl_loop_destroy(ccurl_loop *loop) {
  ccurl_loop_close(loop);
  if (loop->epoll >= 0) close(loop->epoll);
  if (loop->wake >= 0) close(loop->wake);
  free(loop);
}

void ccurl_loop_wake(const ccurl_loop *loop) { (void)eventfd_write(loop->wake, 1); }

int ccurl_loop_wait(ccurl_loop *loop, int timeout_ms) {
  if (loop->due >= 0) {
    int64_t left = loop->due - now_ms();
    if (left < 0) left = 0;
    if (timeout_ms < 0 || left < timeout_ms) timeout_ms = (int)left;
  }
  struct epoll_event events[128];
  int running, count = epoll_wait(loop->epoll, events, 128, timeout_ms);
  for (int i = 0; i < count; i++) {
    if (events[i].data.fd == loop->wake) continue; /* edge-triggered: needs no reading */
    int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(loop->multi, events[i].data.fd, what, &running);
  }
  if (loop->due >= 0 && loop->due <= now_ms()) {
    loop->due = -1; /* set anew by the call, if there is more to wait for */
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  return count < 0 ? 0 : count;
}

/* ---- transfers ---- */

static size_t header_came(char *bytes, size_t one, size_t count, void *user) {
  const ccurl_transfer *transfer = user;
  count *= one;
  return transfer->loop->callbacks.line(transfer->context, (const uint8_t *)bytes, count) ? count : 0;
}

static size_t body_came(char *bytes, size_t one, size_t count, void *user) {
  const ccurl_transfer *transfer = user;
  count *= one;
  switch (transfer->loop->callbacks.body(transfer->context, (const uint8_t *)bytes, count)) {
  case CCURL_TAKEN: return count;
  case CCURL_PAUSE: return CURL_WRITEFUNC_PAUSE;
  default: return count ? 0 : 1;
  }
}

/* The address is looked at when it is connected to: whatever a name said before, or says the next time, it is this one that counts. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  ccurl_transfer *transfer = user;
  if (transfer->only_public && !is_public(&address->addr)) {
    transfer->is_forbidden = true;
    errno = EACCES;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool add_fields(ccurl_transfer *transfer, const char *lines) {
  for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
    char *line = strndup(lines, (size_t)(end - lines));
    struct curl_slist *longer = line ? curl_slist_append(transfer->fields, line) : NULL;
    free(line);
    if (!longer) return false;
    transfer->fields = longer;
  }
  return true;
}

static CURLcode set_up(ccurl_transfer *transfer, const ccurl_request *request) {
  CURL *easy = transfer->easy;
  CURLcode error = CURLE_OK;
#define SET(option, value) if (!error) error = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* a connection for each stream: to cancel one is to close it */
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  if (request->ca_file) {
    SET(CURLOPT_CAINFO, request->ca_file);
    SET(CURLOPT_CAPATH, NULL);
  }
  SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
  SET(CURLOPT_DNS_CACHE_TIMEOUT, NAME_SECONDS);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!request->uses_proxies) SET(CURLOPT_PROXY, "");
  if (!request->reuses) {
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
  }
  if (!strcmp(request->method, "HEAD")) {
    SET(CURLOPT_NOBODY, 1L);
  } else if (request->body_count) {
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_count);
    SET(CURLOPT_COPYPOSTFIELDS, request->body);
  } else if (!strcmp(request->method, "POST")) {
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
    SET(CURLOPT_COPYPOSTFIELDS, "");
  }
  SET(CURLOPT_CUSTOMREQUEST, request->method);
  SET(CURLOPT_HTTPHEADER, transfer->fields);
  SET(CURLOPT_HEADERFUNCTION, header_came);
  SET(CURLOPT_HEADERDATA, transfer);
  SET(CURLOPT_WRITEFUNCTION, body_came);
  SET(CURLOPT_WRITEDATA, transfer);
  SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(CURLOPT_OPENSOCKETDATA, transfer);
  SET(CURLOPT_PRIVATE, transfer);
#undef SET
  return error;
}

ccurl_transfer *ccurl_transfer_start(ccurl_loop *loop, const ccurl_request *request, void *context) {
  ccurl_transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer) return NULL;
  transfer->loop = loop;
  transfer->context = context;
  transfer->only_public = request->only_public;
  transfer->easy = curl_easy_init();
  /* "Expect:" keeps libcurl from waiting a second for leave to send a long body. */
  if (!transfer->easy || !add_fields(transfer, request->fields) || !add_fields(transfer, "Expect:\n") || set_up(transfer, request) ||
      curl_multi_add_handle(loop->multi, transfer->easy)) {
    ccurl_transfer_free(transfer);
    return NULL;
  }
  return transfer;
}

void ccurl_transfer_resume(ccurl_transfer *transfer) { curl_easy_pause(transfer->easy, CURLPAUSE_CONT); }

void ccurl_transfer_free(ccurl_transfer *transfer) {
  if (transfer->easy) {
    curl_multi_remove_handle(transfer->loop->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
  }
  curl_slist_free_all(transfer->fields);
  free(transfer);
}

static int32_t reason(const ccurl_transfer *transfer, CURLcode code) {
  if (transfer->is_forbidden && code != CURLE_OK) return CCURL_FORBIDDEN;
  switch (code) {
  case CURLE_OK: return CCURL_DONE;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY: return CCURL_UNRESOLVED;
  case CURLE_COULDNT_CONNECT:
  case CURLE_PROXY: return CCURL_UNREACHABLE;
  case CURLE_OPERATION_TIMEDOUT: return CCURL_CONNECT_TIME; /* no other time limit is libcurl's */
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_CACERT_BADFILE: return CCURL_UNTRUSTED;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER: return CCURL_TLS;
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
  case CURLE_SEND_FAIL_REWIND: return CCURL_BROKEN;
  case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: bytes without a head */
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING: return CCURL_MALFORMED;
  case CURLE_WRITE_ERROR: return CCURL_STOPPED;
  default: return CCURL_OTHER;
  }
}

void *ccurl_loop_ended(ccurl_loop *loop, ccurl_end *end) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(loop->multi, &left))) {
    ccurl_transfer *transfer = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    if (!transfer) continue;
    end->code = (int32_t)message->data.result;
    end->reason = reason(transfer, message->data.result);
    end->text = curl_easy_strerror(message->data.result);
    return transfer->context;
  }
  return NULL;
}
