/*
 * The echo server as one writes it by hand on libuv in C, the ceiling of whatever runs on Node. It is compiled as a Node addon on
 * the fly, so that it runs on the very libuv of the Node that loads it (process.dlopen); it has a loop of its own and never returns.
 * ECHO_PROTOCOL=framed|raw (framed: 4-byte big-endian length, message). Prints `listening on 127.0.0.1:PORT`.
 *
 * One read slab for all connections. The replies of a chunk are gathered, frame by frame, into one outbound slab and leave as one
 * uv_try_write; what the kernel does not take is copied and written with uv_write, and reading stops until that is done. A partial
 * frame at the end of a chunk is carried to the next.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <node_api.h>
#include <uv.h>

#define HEADER 4
#define MAX_FRAME (1u << 24)
#define SLAB 65536

typedef struct {
  uv_tcp_t tcp;
  char *carry;
  size_t carried, capacity;
} connection_t;

typedef struct {
  uv_write_t request;
  char bytes[];
} late_write_t;

static char read_slab[SLAB];
static char *out;
static size_t out_capacity, out_end;
static int framed = 1;

static void on_closed(uv_handle_t *handle) {
  connection_t *connection = (connection_t *) handle;
  free(connection->carry);
  free(connection);
}

static void hang_up(connection_t *connection) {
  if (!uv_is_closing((uv_handle_t *) connection)) uv_close((uv_handle_t *) connection, on_closed);
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  *buffer = uv_buf_init(read_slab, sizeof read_slab);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer);

static void on_written(uv_write_t *request, int status) {
  connection_t *connection = (connection_t *) request->handle;
  free(request);
  if (status != 0) hang_up(connection);
  else if (!uv_is_closing((uv_handle_t *) connection)) uv_read_start((uv_stream_t *) connection, allocate, on_read);
}

static void send_bytes(connection_t *connection, const char *bytes, size_t length) {
  uv_buf_t buffer = uv_buf_init((char *) bytes, length);
  int written = uv_try_write((uv_stream_t *) connection, &buffer, 1);
  if (written == UV_EAGAIN) written = 0;
  if (written < 0) {
    hang_up(connection);
    return;
  }
  if ((size_t) written == length) return;
  size_t rest = length - written;
  late_write_t *late = malloc(sizeof *late + rest);
  memcpy(late->bytes, bytes + written, rest);
  buffer = uv_buf_init(late->bytes, rest);
  uv_read_stop((uv_stream_t *) connection);
  if (uv_write(&late->request, (uv_stream_t *) connection, &buffer, 1, on_written) != 0) {
    free(late);
    hang_up(connection);
  }
}

/** Length of the frame, its header included; 0 when it is out of bounds. */
static size_t frame_length(const char *at) {
  uint32_t length;
  memcpy(&length, at, HEADER);
  length = ntohl(length);
  return length > MAX_FRAME - HEADER ? 0 : length + HEADER;
}

static void gather(const char *frame, size_t length) {
  if (length > out_capacity - out_end) out = realloc(out, out_capacity = 2 * (out_capacity + length));
  memcpy(out + out_end, frame, length);
  out_end += length;
}

static void reserve_carry(connection_t *connection, size_t length) {
  if (connection->capacity < length) connection->carry = realloc(connection->carry, connection->capacity = length);
}

/** Completes the partial frame of earlier chunks; returns how many bytes it took, or -1 for a frame out of bounds. */
static ssize_t complete_carry(connection_t *connection, const char *bytes, size_t length) {
  size_t at = 0;
  while (connection->carried < HEADER && at < length) connection->carry[connection->carried++] = bytes[at++];
  if (connection->carried < HEADER) return at;
  size_t frame = frame_length(connection->carry);
  if (frame == 0) return -1;
  reserve_carry(connection, frame);
  size_t taken = frame - connection->carried < length - at ? frame - connection->carried : length - at;
  memcpy(connection->carry + connection->carried, bytes + at, taken);
  connection->carried += taken;
  if (connection->carried == frame) {
    gather(connection->carry, frame);
    connection->carried = 0;
  }
  return at + taken;
}

static int read_frames(connection_t *connection, const char *bytes, size_t length) {
  ssize_t taken = connection->carried == 0 ? 0 : complete_carry(connection, bytes, length);
  if (taken < 0) return -1;
  size_t at = taken;
  while (length - at >= HEADER) {
    size_t frame = frame_length(bytes + at);
    if (frame == 0) return -1;
    if (frame > length - at) break;
    gather(bytes + at, frame);
    at += frame;
  }
  if (at < length) {
    connection->carried = length - at;
    reserve_carry(connection, connection->carried >= HEADER ? frame_length(bytes + at) : HEADER);
    memcpy(connection->carry, bytes + at, connection->carried);
  }
  return 0;
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer) {
  connection_t *connection = (connection_t *) stream;
  if (length == 0) return;
  if (length < 0) {
    hang_up(connection);
    return;
  }
  if (!framed) {
    send_bytes(connection, buffer->base, length);
    return;
  }
  out_end = 0;
  if (read_frames(connection, buffer->base, length) != 0) hang_up(connection);
  else if (out_end > 0) send_bytes(connection, out, out_end);
}

static void on_connection(uv_stream_t *server, int status) {
  if (status != 0) return;
  connection_t *connection = calloc(1, sizeof *connection);
  uv_tcp_init(server->loop, &connection->tcp);
  if (uv_accept(server, (uv_stream_t *) connection) != 0) {
    hang_up(connection);
    return;
  }
  uv_tcp_nodelay(&connection->tcp, 1);
  uv_read_start((uv_stream_t *) connection, allocate, on_read);
}

NAPI_MODULE_INIT() {
  const char *protocol = getenv("ECHO_PROTOCOL");
  framed = protocol == NULL || strcmp(protocol, "raw") != 0;
  out = malloc(out_capacity = SLAB);
  uv_loop_t loop;
  uv_tcp_t server;
  struct sockaddr_in address;
  int length = sizeof address;
  uv_loop_init(&loop);
  uv_tcp_init(&loop, &server);
  uv_ip4_addr("127.0.0.1", 0, &address);
  int error = uv_tcp_bind(&server, (struct sockaddr *) &address, 0);
  if (error == 0) error = uv_listen((uv_stream_t *) &server, 1024, on_connection);
  if (error != 0) {
    fprintf(stderr, "listen: %s\n", uv_strerror(error));
    exit(1);
  }
  uv_tcp_getsockname(&server, (struct sockaddr *) &address, &length);
  printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  uv_run(&loop, UV_RUN_DEFAULT);
  return exports;
}
