/* Queries, keys and values of a model that llama.cpp runs, through its evaluation callback.
 * tools/capture/llama_capture.sh builds and runs it; see there.
 *
 * Without flash attention llama.cpp computes attention in nodes of the graph: "kq-L", the product
 * of cached keys and rotated queries of layer L; "kq_soft_max-L"; and "kqv-L", whose first operand
 * are the cached values. The callback sees each node with its operands when it has been computed.
 * The node of the softmax has the scale and the mask too, so that a layer which is no plain causal
 * attention is known from what it computes, not from the name of its model.
 *
 * All runs on the CPU, and the cache holds F16: the files have the very keys and values that were
 * attended. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ggml-backend.h"
#include "ggml.h"
#include "layer_file.h"
#include "llama.h"

enum { MOST_LAYERS = 4096 };

typedef enum { UNWANTED, WANTED, WRITTEN, LEFT_OUT } state;

static struct {
	capture of;
	bool named; /* layers were chosen by --layers */
	state states[MOST_LAYERS];
	char *reasons[MOST_LAYERS];
	layer_file files[MOST_LAYERS];
	/* The chunk that is being computed. */
	long first, rows;
	/* The layer whose attention is being computed. */
	int layer;
	const struct ggml_tensor *product, *softmax;
	float *queries; /* [heads, rows, dim] */
	size_t queries_size;
	int heads, kv_heads, dim;
	char failure[1024]; /* not of a layer but of the capture */
} job;

static struct timespec began;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec);
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("llama_capture: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	exit(1);
}

__attribute__((format(printf, 2, 3))) static void leave_out(int layer, const char *format, ...)
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
	job.layer = layer, job.product = t, job.softmax = NULL;
	if (t->op != GGML_OP_MUL_MAT || !is_float(k) || !is_float(q) || q->ne[3] != 1 || q->ne[1] != job.rows || k->ne[1] < job.first + job.rows ||
	    k->ne[0] != q->ne[0] || q->ne[2] % k->ne[2]) {
		leave_out(layer, "its product of queries and keys is no plain one (%s of %s and %s)", ggml_op_desc(t), ggml_type_name(k->type), ggml_type_name(q->type));
		return;
	}
	job.dim = (int)q->ne[0], job.heads = (int)q->ne[2], job.kv_heads = (int)k->ne[2];
	size_t size = (size_t)job.heads * (size_t)job.rows * (size_t)job.dim * sizeof(float);
	if (size > job.queries_size) {
		job.queries = realloc(job.queries, size), job.queries_size = size;
		if (!job.queries) die("no memory for %zu bytes of queries", size);
	}
	float *to = job.queries;
	for (long h = 0; h < job.heads; h++)
		for (long r = 0; r < job.rows; r++)
			for (long d = 0; d < job.dim; d++) *to++ = number(q, d, r, h);
}

/* What the mask does beside causality: 0 nothing, else the first position that sees too little or too much. */
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
static bool write_rows(layer_file *f, enum tensor_name name, int head, float (*value)(const void *from, long row, long d), const void *from, double factor, float *largest)
{
	static uint16_t *halves;
	static size_t capacity;
	size_t count = (size_t)job.rows * (size_t)job.dim;
	if (count > capacity) {
		halves = realloc(halves, count * sizeof *halves), capacity = count;
		if (!halves) die("no memory for %zu values", count);
	}
	bool fits = true;
	uint16_t *to = halves;
	for (long r = 0; r < job.rows; r++)
		for (long d = 0; d < job.dim; d++) {
			float wide = value(from, r, d);
			if (factor != 1) wide = (float)(wide * factor);
			*to = ggml_fp32_to_fp16(wide);
			if (isfinite(wide) && (*to & 0x7c00) == 0x7c00) fits = false;
			if (fabsf(wide) > *largest) *largest = fabsf(wide);
			to++;
		}
	if (fits && !layer_write(f, name, head, job.first, job.rows, halves))
		snprintf(job.failure, sizeof job.failure, "cannot write %s: %s", layer_path(&job.of, f->layer, true), strerror(errno));
	return fits;
}

static float query_value(const void *from, long row, long d) { return ((const float *)from)[row * job.dim + d]; }

typedef struct { const struct ggml_tensor *t; long head; } cached;

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
	if (job.layer != layer || t->op != GGML_OP_SOFT_MAX || t->src[0] != job.product) {
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
		leave_out(layer, "it is no causal attention over all positions (a sliding window?): position %ld attends %ld", position, seen);
		return;
	}
	if (job.of.kv_head_count && job.of.kv_heads[job.of.kv_head_count - 1] >= job.kv_heads) {
		snprintf(job.failure, sizeof job.failure, "--kv-heads has %d, and layer %d KV heads 0 to %d", job.of.kv_heads[job.of.kv_head_count - 1], layer, job.kv_heads - 1);
		return;
	}
	double factor = scale * sqrt(job.dim);
	if (fabs(factor - 1) < 1e-6) factor = 1;
	layer_file *f = &job.files[layer];
	char why[512];
	if (!f->file && !layer_open(f, &job.of, layer, job.heads, job.kv_heads, job.dim, factor, why, sizeof why)) {
		leave_out(layer, "%s", why);
		return;
	}
	int share = job.heads / job.kv_heads;
	float largest = 0;
	bool fits = true;
	for (int i = 0; i < f->heads && fits; i++) {
		long head = (long)f->chosen[i / share] * share + i % share;
		fits = write_rows(f, TENSOR_Q, i, query_value, job.queries + head * job.rows * job.dim, factor, &largest);
	}
	const char *name = "q";
	for (int i = 0; i < f->kv_heads && fits; i++) {
		name = "k";
		fits = write_rows(f, TENSOR_K, i, key_value, &(cached){job.product->src[0], f->chosen[i]}, 1, &largest);
	}
	if (!fits) leave_out(layer, "%s reaches %.3g, beyond float16", name, largest);
	else job.softmax = t;
}

static void see_output(int layer, const struct ggml_tensor *t)
{
	const struct ggml_tensor *v = t->src[0];
	layer_file *f = &job.files[layer];
	if (job.layer != layer || !f->file || t->op != GGML_OP_MUL_MAT || t->src[1] != job.softmax || !is_float(v) || v->ne[1] != job.dim || v->ne[2] != job.kv_heads ||
	    v->ne[0] < job.first + job.rows) {
		leave_out(layer, "its values are not of the keys' shape: %lld elements of %lld heads", (long long)v->ne[1], (long long)v->ne[2]);
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
		snprintf(job.failure, sizeof job.failure, "cannot finish %s: %s", layer_path(&job.of, layer, false), strerror(errno));
		return;
	}
	job.states[layer] = WRITTEN;
	fprintf(stderr, "layer %3d of %d, %.0f s: q [%d, %ld, %d], k and v [%d, %ld, %d]\n", layer, job.of.layers, seconds(),
		f->heads, job.of.positions, f->dim, f->kv_heads, job.of.positions, f->dim);
}

/* llama.cpp's evaluation callback: asked whether it wants a node, then told that it is computed. */
static bool on_node(struct ggml_tensor *t, bool ask, void *unused)
{
	(void)unused;
	static const struct { const char *name; void (*see)(int, const struct ggml_tensor *); } nodes[] = {
		{"kq", see_product}, {"kq_soft_max", see_softmax}, {"kqv", see_output}};
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		int layer = layer_of(t, nodes[i].name);
		if (layer < 0) continue;
		if (!ask) nodes[i].see(layer, t);
		break;
	}
	if (ask) return layer_of(t, "kq") >= 0 || layer_of(t, "kq_soft_max") >= 0 || layer_of(t, "kqv") >= 0;
	return !job.failure[0]; /* false ends the computation */
}

/* Numbers and ranges with commas into a sorted list; the count, or -1. */
static int parse_numbers(const char *text, int *numbers, int most)
{
	bool found[MOST_LAYERS] = {false};
	for (const char *p = text;;) {
		char *end;
		if (*p < '0' || *p > '9') return -1;
		long first = strtol(p, &end, 10), last = first;
		if (*end == '-') {
			p = end + 1;
			if (*p < '0' || *p > '9') return -1;
			last = strtol(p, &end, 10);
		}
		if (first > last || last >= most) return -1;
		for (long i = first; i <= last; i++) found[i] = true;
		if (!*end) break;
		if (*end != ',') return -1;
		p = end + 1;
	}
	int count = 0;
	for (int i = 0; i < most; i++)
		if (found[i]) numbers[count++] = i;
	return count;
}

static long parse_count(const char *option, const char *text, long least)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < least || n > 1 << 30) die("%s is %s; use a whole number from %ld on", option, text, least);
	return n;
}

static char *read_text(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	if (!file) die("cannot read the text %s: %s", path, strerror(errno));
	size_t capacity = 1 << 20;
	char *text = malloc(capacity);
	*size = 0;
	while (text) {
		*size += fread(text + *size, 1, capacity - *size, file);
		if (*size < capacity) break;
		text = realloc(text, capacity *= 2);
	}
	if (!text || ferror(file)) die("cannot read the text %s: %s", path, strerror(errno));
	fclose(file);
	if (*size > INT32_MAX) die("the text %s has %zu bytes, more than llama.cpp takes", path, *size);
	return text;
}

static llama_token *tokenize(const struct llama_model *model, const char *path, long *count)
{
	size_t size;
	char *text = read_text(path, &size);
	const struct llama_vocab *vocab = llama_model_get_vocab(model);
	int32_t n = -llama_tokenize(vocab, text, (int32_t)size, NULL, 0, true, true);
	if (n <= 0) die("the text %s has no tokens", path);
	llama_token *tokens = calloc((size_t)n, sizeof *tokens);
	if (!tokens || llama_tokenize(vocab, text, (int32_t)size, tokens, n, true, true) != n) die("cannot tokenize %s", path);
	free(text);
	*count = n;
	return tokens;
}

/* The tokens, for those who want to run the same elsewhere. */
static void write_tokens(const llama_token *tokens)
{
	char part[4096], path[4096];
	snprintf(path, sizeof path, "%s/tokens.json", job.of.out);
	snprintf(part, sizeof part, "%s/tokens.json.part", job.of.out);
	FILE *file = fopen(part, "wb");
	if (!file) die("cannot write %s: %s", part, strerror(errno));
	for (long i = 0; i < job.of.positions; i++) fprintf(file, "%s%d", i ? ", " : "[", tokens[i]);
	fputs("]\n", file);
	if (fclose(file) != 0 || rename(part, path) != 0) die("cannot write %s: %s", path, strerror(errno));
}

/* Where an interrupted capture stood: llama.cpp's own file of the cache and the tokens in it. */
static const char *resume_path(bool part)
{
	static char path[4096];
	snprintf(path, sizeof path, "%s/resume.state%s", job.of.out, part ? ".part" : "");
	return path;
}

static void save(struct llama_context *context, const llama_token *tokens, long done)
{
	for (int i = 0; i < job.of.layers; i++)
		if (job.files[i].file) fflush(job.files[i].file);
	char part[4096];
	snprintf(part, sizeof part, "%s", resume_path(true));
	if (!llama_state_seq_save_file(context, part, 0, tokens, (size_t)done) || rename(part, resume_path(false)) != 0)
		fprintf(stderr, "llama_capture: cannot save where the capture stands in %s; it goes on\n", part);
}

/* Positions that an interrupted capture has done; 0 where it cannot go on. */
static long resume(struct llama_context *context, const llama_token *tokens)
{
	struct stat s;
	if (stat(resume_path(false), &s) != 0) return 0;
	for (int i = 0; i < job.of.layers; i++)
		if (job.states[i] == WANTED && stat(layer_path(&job.of, i, true), &s) != 0) return 0;
	llama_token *found = calloc((size_t)job.of.positions, sizeof *found);
	size_t count = 0;
	if (!found || !llama_state_seq_load_file(context, resume_path(false), 0, found, (size_t)job.of.positions, &count) ||
	    memcmp(found, tokens, count * sizeof *found) != 0 || count >= (size_t)job.of.positions) {
		fprintf(stderr, "llama_capture: %s is of another capture; starting anew\n", resume_path(false));
		llama_memory_clear(llama_get_memory(context), true);
		count = 0;
	}
	free(found);
	return (long)count;
}

static struct llama_context *make_context(struct llama_model *model, long ubatch, long threads)
{
	struct llama_context_params p = llama_context_default_params();
	p.n_ctx = (uint32_t)job.of.positions;
	p.n_batch = p.n_ubatch = (uint32_t)ubatch;
	p.n_threads = p.n_threads_batch = (int32_t)threads;
	p.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
	p.type_k = p.type_v = GGML_TYPE_F16;
	p.offload_kqv = p.op_offload = false;
	p.swa_full = true; /* windowed layers too keep all keys in order, and tell by their mask that they are windowed */
	p.cb_eval = on_node;
	struct llama_context *context = llama_init_from_model(model, p);
	if (!context) die("llama.cpp makes no context of %ld positions for this model (messages above)", job.of.positions);
	return context;
}

static void say_errors(enum ggml_log_level level, const char *text, void *unused)
{
	(void)unused;
	static enum ggml_log_level last;
	if (level != GGML_LOG_LEVEL_CONT) last = level;
	if (last == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static void run(struct llama_model *model, llama_token *tokens, long ubatch, long threads, double save_every)
{
	struct llama_context *context = make_context(model, ubatch, threads);
	job.first = resume(context, tokens);
	job.of.resumed = job.first > 0;
	if (job.of.resumed) fprintf(stderr, "going on at position %ld of %ld\n", job.first, job.of.positions);
	double saved = seconds();
	for (; job.first < job.of.positions; job.first += job.rows) {
		long left = job.of.positions - job.first;
		job.rows = left < ubatch ? left : ubatch;
		int status = llama_decode(context, llama_batch_get_one(tokens + job.first, (int32_t)job.rows));
		if (job.failure[0]) die("%s", job.failure);
		if (status != 0) die("llama_decode fails with %d at position %ld (messages above)", status, job.first);
		long done = job.first + job.rows;
		if (done == job.of.positions) break;
		fprintf(stderr, "positions %ld of %ld, %.0f s\n", done, job.of.positions, seconds());
		if (seconds() - saved >= save_every) {
			save(context, tokens, done);
			saved = seconds();
		}
	}
	remove(resume_path(false));
	llama_free(context);
}

static const char usage[] =
	"llama_capture MODEL.gguf TEXT OUT --backends FOLDER --text-sha256 HEX\n"
	"  [--layers LIST] [--kv-heads LIST] [--positions N] [--ubatch N] [--threads N] [--name NAME] [--save-every SECONDS]\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"layers", 1, 0, 'l'}, {"kv-heads", 1, 0, 'k'}, {"positions", 1, 0, 'p'}, {"ubatch", 1, 0, 'u'}, {"threads", 1, 0, 't'}, {"name", 1, 0, 'n'},
		{"backends", 1, 0, 'b'}, {"text-sha256", 1, 0, 's'}, {"save-every", 1, 0, 'e'}, {0, 0, 0, 0}};
	const char *backends = NULL, *layers = NULL;
	long positions = 0, ubatch = 512, threads = sysconf(_SC_NPROCESSORS_ONLN), save_every = 60;
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (o) {
		case 'l': layers = optarg; break;
		case 'k': job.of.kv_head_count = parse_numbers(optarg, job.of.kv_heads, MOST_LAYERS); break;
		case 'p': positions = parse_count("--positions", optarg, 1); break;
		case 'u': ubatch = parse_count("--ubatch", optarg, 1); break;
		case 't': threads = parse_count("--threads", optarg, 1); break;
		case 'e': save_every = parse_count("--save-every", optarg, 0); break;
		case 'n': job.of.model = optarg; break;
		case 'b': backends = optarg; break;
		case 's': job.of.text_sha256 = optarg; break;
		default: fputs(usage, stderr); return 2;
		}
	if (argc - optind != 3 || !backends || !job.of.text_sha256) {
		fputs(usage, stderr);
		return 2;
	}
	if (job.of.kv_head_count < 0) die("--kv-heads takes numbers and ranges with commas, such as 0,2-3");
	const char *path = argv[optind], *text = argv[optind + 1];
	job.of.out = argv[optind + 2];
	if (!job.of.model) job.of.model = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	llama_log_set(say_errors, NULL);
	ggml_backend_load_all_from_path(backends);
	struct llama_model_params mp = llama_model_default_params();
	ggml_backend_dev_t none[] = {NULL};
	mp.devices = none;
	mp.n_gpu_layers = 0;
	struct llama_model *model = llama_model_load_from_file(path, mp);
	if (!model) die("llama.cpp cannot load %s (messages above)", path);
	job.of.layers = llama_model_n_layer(model);
	if (job.of.layers < 1 || job.of.layers > MOST_LAYERS) die("the model has %d layers; 1 to %d are known", job.of.layers, MOST_LAYERS);

	long count;
	llama_token *tokens = tokenize(model, text, &count);
	job.of.positions = positions ? positions : count;
	if (job.of.positions > count) die("the text has %ld tokens, and --positions is %ld; use a longer text or fewer positions", count, positions);
	if (job.of.positions < 2) die("the text has %ld tokens; attention needs two or more", count);
	if (job.of.positions > llama_model_n_ctx_train(model))
		fprintf(stderr, "llama_capture: %ld positions are more than the %d that the model was trained for\n", job.of.positions, llama_model_n_ctx_train(model));
	if (ubatch > job.of.positions) ubatch = job.of.positions;

	int wanted[MOST_LAYERS], number_wanted = 0, missing = 0;
	if (layers && (number_wanted = parse_numbers(layers, wanted, job.of.layers)) < 0) die("--layers is %s; use numbers from 0 to %d and ranges with commas, such as 0,5,20-29", layers, job.of.layers - 1);
	for (int i = 0; !layers && i < job.of.layers; i++) wanted[number_wanted++] = i;
	if (mkdir(job.of.out, 0777) != 0 && errno != EEXIST) die("cannot make the folder %s: %s", job.of.out, strerror(errno));
	for (int i = 0; i < number_wanted; i++) {
		char why[2048];
		int finished = layer_is_finished(&job.of, wanted[i], why, sizeof why);
		if (finished < 0) die("%s", why);
		job.states[wanted[i]] = finished ? WRITTEN : WANTED;
		missing += !finished;
	}
	if (missing < number_wanted) fprintf(stderr, "%d of %d layers are in %s already\n", number_wanted - missing, number_wanted, job.of.out);
	write_tokens(tokens);
	if (missing) run(model, tokens, ubatch, threads, (double)save_every);

	int written = 0, lost = 0;
	for (int i = 0; i < job.of.layers; i++) {
		if (job.states[i] == WRITTEN) written++;
		if (job.states[i] == WANTED) leave_out(i, "llama.cpp computes no attention there through kq, kq_soft_max and kqv");
		if (job.states[i] != LEFT_OUT) continue;
		lost++;
		remove(layer_path(&job.of, i, true));
		fprintf(stderr, "layer %3d left out: %s\n", i, job.reasons[i]);
	}
	if (lost && layers) die("%d of the layers named in --layers cannot be captured (reasons above); %d are in %s", lost, written, job.of.out);
	if (!written) die("no layer could be captured (reasons above)");
	printf("%d layers in %s; next: anchorvk eval %s/*.safetensors\n", written, job.of.out, job.of.out);
	llama_model_free(model);
	return 0;
}
