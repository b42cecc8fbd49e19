/* Queries, keys and values out of the graph that llama.cpp evaluates.
 *
 * Without flash attention it computes attention in nodes of the graph: "kq-L", the product of cached keys and rotated
 * queries of layer L; "kq_soft_max-L"; and "kqv-L", whose first operand are the cached values. The callback sees each
 * node with its operands when it has been computed. The node of the softmax has the scale and the mask too, so that a
 * layer which is no plain causal attention is known from what it computes, not from the name of its model.
 *
 * All runs on the CPU, and the cache holds F16: the files have the very keys and values that were attended. */
#define _GNU_SOURCE
#include "llama_nodes.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct job job;

/* The layer whose attention is being computed. */
static struct {
    int layer;
    const struct ggml_tensor *product, *softmax;
    float *queries; /* [heads, rows, dim] */
    size_t queries_size;
    int heads, kv_heads, dim;
} now;

double seconds(void)
{
    static struct timespec began;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    if (!began.tv_sec) began = t;
    return (double)(t.tv_sec - began.tv_sec) + 1e-9 * (double)(t.tv_nsec - began.tv_nsec);
}

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("llama_capture: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

void leave_out(int layer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&job.reasons[layer], format, arguments) < 0) abort();
    va_end(arguments);
    job.states[layer] = LEFT_OUT;
    layer_leave_out(&job.files[layer], &job.of, layer);
}

/* The layer of a node's name, such as 12 of "kq-12"; -1 if it has another name or nobody wants the layer. */
static int layer_of(const struct ggml_tensor *t, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(t->name, name, n) != 0 || t->name[n] != '-') return -1;
    char *end;
    long layer = strtol(t->name + n + 1, &end, 10);
    return *end || layer < 0 || layer >= job.of.layers || job.states[layer] != WANTED ? -1 : (int)layer;
}

static const char *at(const struct ggml_tensor *t, long i0, long i1, long i2)
{
    return (const char *)t->data + (size_t)i0 * t->nb[0] + (size_t)i1 * t->nb[1] + (size_t)i2 * t->nb[2];
}

static float number(const struct ggml_tensor *t, long i0, long i1, long i2)
{
    const char *p = at(t, i0, i1, i2);
    return t->type == GGML_TYPE_F32 ? *(const float *)p : ggml_fp16_to_fp32(*(const ggml_fp16_t *)p);
}

static bool is_float(const struct ggml_tensor *t) { return t->type == GGML_TYPE_F32 || t->type == GGML_TYPE_F16; }

/* Keeps the queries: their memory may have another use when the softmax tells their scale. */
static void see_product(int layer, const struct ggml_tensor *t)
{
    const struct ggml_tensor *k = t->src[0], *q = t->src[1];
    now.layer = layer, now.product = t, now.softmax = NULL;
    if (t->op != GGML_OP_MUL_MAT || !is_float(k) || !is_float(q) || q->ne[3] != 1 || q->ne[1] != job.rows ||
        k->ne[1] < job.first + job.rows || k->ne[0] != q->ne[0] || q->ne[2] % k->ne[2]) {
        leave_out(layer, "its product of queries and keys is no plain one (%s of %s and %s)", ggml_op_desc(t),
            ggml_type_name(k->type), ggml_type_name(q->type));
        return;
    }
    now.dim = (int)q->ne[0], now.heads = (int)q->ne[2], now.kv_heads = (int)k->ne[2];
    size_t size = (size_t)now.heads * (size_t)job.rows * (size_t)now.dim * sizeof(float);
    if (size > now.queries_size) {
        now.queries = realloc(now.queries, size), now.queries_size = size;
        if (!now.queries) die("no memory for %zu bytes of queries", size);
    }
    float *to = now.queries;
    for (long h = 0; h < now.heads; h++)
        for (long r = 0; r < job.rows; r++)
            for (long d = 0; d < now.dim; d++) *to++ = number(q, d, r, h);
}

/* Whether every position sees those up to its own and no other; else one that does not, and how many it sees. */
static bool mask_is_causal(const struct ggml_tensor *mask, long *position, long *seen)
{
    for (long r = 0; r < job.rows; r++) {
        *position = job.first + r, *seen = 0;
        bool plain = true;
        for (long j = 0; j < mask->ne[0]; j++) {
            float bias = number(mask, j, r, 0);
            *seen += bias > -INFINITY;
            plain = plain && (j <= *position ? bias == 0 : bias == -INFINITY);
        }
        if (!plain) return false;
    }
    return true;
}

/* Writes a head's rows of a tensor whose row r, element d is value(from, r, d); false if F16 cannot hold one. */
static bool write_rows(layer_file *f, enum tensor_name name, int head,
    float (*value)(const void *from, long row, long d), const void *from, double factor, float *largest)
{
    static uint16_t *halves;
    static size_t capacity;
    size_t count = (size_t)job.rows * (size_t)now.dim;
    if (count > capacity) {
        halves = realloc(halves, count * sizeof *halves), capacity = count;
        if (!halves) die("no memory for %zu values", count);
    }
    bool fits = true;
    uint16_t *to = halves;
    for (long r = 0; r < job.rows; r++)
        for (long d = 0; d < now.dim; d++) {
            float wide = value(from, r, d);
            if (factor != 1) wide = (float)(wide * factor);
            *to = ggml_fp32_to_fp16(wide);
            if (isfinite(wide) && (*to & 0x7c00) == 0x7c00) fits = false;
            if (fabsf(wide) > *largest) *largest = fabsf(wide);
            to++;
        }
    if (fits && !layer_write(f, name, head, job.first, job.rows, halves))
        snprintf(job.failure, sizeof job.failure, "cannot write %s: %s", layer_path(&job.of, f->layer, true),
            strerror(errno));
    return fits;
}

static float query_value(const void *from, long row, long d) { return ((const float *)from)[row * now.dim + d]; }

typedef struct {
    const struct ggml_tensor *t;
    long head;
} cached;

static float key_value(const void *from, long row, long d)
{
    const cached *c = from;
    return number(c->t, d, job.first + row, c->head);
}

static float value_value(const void *from, long row, long d)
{
    const cached *c = from;
    return number(c->t, job.first + row, d, c->head);
}

static void see_softmax(int layer, const struct ggml_tensor *t)
{
    const struct ggml_tensor *mask = t->src[1];
    if (now.layer != layer || t->op != GGML_OP_SOFT_MAX || t->src[0] != now.product) {
        leave_out(layer, "something changes its scores before the softmax (soft-capping or a bias)");
        return;
    }
    if (t->src[2]) {
        leave_out(layer, "its softmax has sinks");
        return;
    }
    float scale, bias;
    memcpy(&scale, t->op_params, sizeof scale);
    memcpy(&bias, (const char *)t->op_params + sizeof scale, sizeof bias);
    if (bias != 0 || !mask || !is_float(mask)) {
        leave_out(layer, bias != 0 ? "its scores have a bias of positions (ALiBi)" : "its softmax has no mask");
        return;
    }
    long position, seen;
    if (!mask_is_causal(mask, &position, &seen)) {
        leave_out(layer, "it is no causal attention over all positions (a sliding window?): position %ld attends %ld",
            position, seen);
        return;
    }
    if (job.of.kv_head_count && job.of.kv_heads[job.of.kv_head_count - 1] >= now.kv_heads) {
        snprintf(job.failure, sizeof job.failure, "--kv-heads has %d, and layer %d KV heads 0 to %d",
            job.of.kv_heads[job.of.kv_head_count - 1], layer, now.kv_heads - 1);
        return;
    }
    double factor = scale * sqrt(now.dim);
    if (fabs(factor - 1) < 1e-6) factor = 1;
    layer_file *f = &job.files[layer];
    char why[512];
    if (!f->file && !layer_open(f, &job.of, layer, now.heads, now.kv_heads, now.dim, factor, why, sizeof why)) {
        leave_out(layer, "%s", why);
        return;
    }
    int share = now.heads / now.kv_heads;
    float largest = 0;
    bool fits = true;
    for (int i = 0; i < f->heads && fits; i++) {
        long head = (long)f->chosen[i / share] * share + i % share;
        fits = write_rows(f, TENSOR_Q, i, query_value, now.queries + head * job.rows * now.dim, factor, &largest);
    }
    const char *name = "q";
    for (int i = 0; i < f->kv_heads && fits; i++) {
        name = "k";
        fits = write_rows(f, TENSOR_K, i, key_value, &(cached){now.product->src[0], f->chosen[i]}, 1, &largest);
    }
    if (!fits)
        leave_out(layer, "%s reaches %.3g, beyond float16", name, largest);
    else
        now.softmax = t;
}

static void see_output(int layer, const struct ggml_tensor *t)
{
    const struct ggml_tensor *v = t->src[0];
    layer_file *f = &job.files[layer];
    if (now.layer != layer || !f->file || t->op != GGML_OP_MUL_MAT || t->src[1] != now.softmax || !is_float(v) ||
        v->ne[1] != now.dim || v->ne[2] != now.kv_heads || v->ne[0] < job.first + job.rows) {
        leave_out(layer, "its values are not of the keys' shape: %lld elements of %lld heads", (long long)v->ne[1],
            (long long)v->ne[2]);
        return;
    }
    float largest = 0;
    for (int i = 0; i < f->kv_heads; i++)
        if (!write_rows(f, TENSOR_V, i, value_value, &(cached){v, f->chosen[i]}, 1, &largest)) {
            leave_out(layer, "v reaches %.3g, beyond float16", largest);
            return;
        }
    if (job.first + job.rows < job.of.positions || job.failure[0]) return;
    if (!layer_finish(f)) {
        snprintf(job.failure, sizeof job.failure, "cannot finish %s: %s", layer_path(&job.of, layer, false),
            strerror(errno));
        return;
    }
    job.states[layer] = WRITTEN;
    fprintf(stderr, "layer %3d of %d, %.0f s: q [%d, %ld, %d], k and v [%d, %ld, %d]\n", layer, job.of.layers,
        seconds(), f->heads, job.of.positions, f->dim, f->kv_heads, job.of.positions, f->dim);
}

/* llama.cpp's evaluation callback: asked whether it wants a node, then told that it is computed. */
bool on_node(struct ggml_tensor *t, bool ask, void *unused)
{
    (void)unused;
    static const struct {
        const char *name;
        void (*see)(int, const struct ggml_tensor *);
    } nodes[] = {{"kq", see_product}, {"kq_soft_max", see_softmax}, {"kqv", see_output}};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        int layer = layer_of(t, nodes[i].name);
        if (layer < 0) continue;
        if (!ask) nodes[i].see(layer, t);
        break;
    }
    if (ask) return layer_of(t, "kq") >= 0 || layer_of(t, "kq_soft_max") >= 0 || layer_of(t, "kqv") >= 0;
    return !job.failure[0]; /* false ends the computation */
}
