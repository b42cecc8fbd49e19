/*
 * Times causal flash attention of ggml through its public API and prints one
 * line of JSON. The output is compared with a double-precision reference first;
 * if it is wrong, nothing is timed.
 *
 *   ggml_attention --load DIR --device Vulkan0 --q-len 2048 --kv-len 2048 \
 *       --heads 32 --kv-heads 8 --head-dim 128 --reps 5
 *
 * Q is F32, as ggml requires; K, V and the mask are F16. The q_len queries stand
 * at the end of the kv_len keys: query i sees keys 0 to kv_len-q_len+i. Times
 * are wall-clock, from handing the graph to the device to its end.
 *
 * Status: 0 measured, 1 ggml failed, 2 bad arguments, 4 wrong output.
 */
#define _POSIX_C_SOURCE 200809L
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_WRONG = 4 };

/* What ggml's own tests allow its flash attention, and `anchorvk verify` ours. */
static const double max_nmse = 5e-4;

typedef struct {
	const char *load, *device;
	long q_len, kv_len, heads, kv_heads, head_dim, reps, threads;
	int f32_acc;
} options;

typedef struct {
	struct ggml_tensor *q, *k, *v, *mask, *out;
	struct ggml_cgraph *graph;
	/* Host copies of q, k and v in double precision, laid out like the tensors. */
	double *host_q, *host_k, *host_v;
} problem;

static void die(int status, const char *format, ...) {
	va_list args;
	va_start(args, format);
	fputs("ggml_attention: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(status);
}

static void *allocate(size_t count, size_t size) {
	void *p = calloc(count, size);
	if (!p) die(STATUS_FAILED, "no memory for %zu elements of %zu bytes", count, size);
	return p;
}

static void log_problems(enum ggml_log_level level, const char *text, void *unused) {
	(void)unused;
	static int passing = 0;
	if (level != GGML_LOG_LEVEL_CONT) passing = level >= GGML_LOG_LEVEL_WARN;
	if (passing) fputs(text, stderr);
}

static long parse_count(const char *flag, const char *text) {
	char *end;
	long n = strtol(text, &end, 10);
	if (*text == 0 || *end != 0 || n < 1 || n > 1 << 20)
		die(STATUS_USAGE, "--%s %s: use a number from 1 to 1048576", flag, text);
	return n;
}

static options parse_options(int argc, char **argv) {
	options o = {.device = "Vulkan0", .q_len = 2048, .kv_len = 0, .heads = 32, .kv_heads = 8,
		.head_dim = 128, .reps = 5, .threads = 0, .f32_acc = 1};
	static const struct option known[] = {
		{"load", required_argument, NULL, 'l'}, {"device", required_argument, NULL, 'd'},
		{"q-len", required_argument, NULL, 'q'}, {"kv-len", required_argument, NULL, 'k'},
		{"heads", required_argument, NULL, 'H'}, {"kv-heads", required_argument, NULL, 'K'},
		{"head-dim", required_argument, NULL, 'D'}, {"reps", required_argument, NULL, 'r'},
		{"threads", required_argument, NULL, 't'}, {"acc", required_argument, NULL, 'a'},
		{"verbose", no_argument, NULL, 'v'}, {0},
	};
	int index = 0, verbose = 0;
	for (int c; (c = getopt_long(argc, argv, "", known, &index)) != -1;) {
		const char *name = c == '?' ? "" : known[index].name;
		switch (c) {
		case 'l': o.load = optarg; break;
		case 'd': o.device = optarg; break;
		case 'q': o.q_len = parse_count(name, optarg); break;
		case 'k': o.kv_len = parse_count(name, optarg); break;
		case 'H': o.heads = parse_count(name, optarg); break;
		case 'K': o.kv_heads = parse_count(name, optarg); break;
		case 'D': o.head_dim = parse_count(name, optarg); break;
		case 'r': o.reps = parse_count(name, optarg); break;
		case 't': o.threads = parse_count(name, optarg); break;
		case 'v': verbose = 1; break;
		case 'a':
			o.f32_acc = strcmp(optarg, "f32") == 0;
			if (!o.f32_acc && strcmp(optarg, "any") != 0)
				die(STATUS_USAGE, "--acc %s: use f32 (what llama.cpp asks for) or any (the backend chooses)", optarg);
			break;
		default:
			die(STATUS_USAGE, "flags: --load DIR --device NAME --q-len N --kv-len N --heads N --kv-heads N "
				"--head-dim N --reps N --threads N --acc f32|any --verbose");
		}
	}
	if (optind < argc) die(STATUS_USAGE, "unexpected argument %s", argv[optind]);
	if (o.kv_len == 0) o.kv_len = o.q_len;
	if (o.q_len > o.kv_len) die(STATUS_USAGE, "--q-len %ld is over --kv-len %ld", o.q_len, o.kv_len);
	if (o.heads % o.kv_heads) die(STATUS_USAGE, "--heads %ld is no multiple of --kv-heads %ld", o.heads, o.kv_heads);
	if (!verbose) ggml_log_set(log_problems, NULL);
	return o;
}

static ggml_backend_t open_backend(const options *o) {
	/* Without a folder, ggml looks beside the executable, which may be ld.so. */
	if (o->load) ggml_backend_load_all_from_path(o->load);
	else ggml_backend_load_all();
	ggml_backend_dev_t dev = ggml_backend_dev_by_name(o->device);
	if (!dev) {
		for (size_t i = 0; i < ggml_backend_dev_count(); i++)
			fprintf(stderr, "ggml_attention: there is %s\n", ggml_backend_dev_name(ggml_backend_dev_get(i)));
		die(STATUS_FAILED, "no device %s (of %zu); ggml-vulkan takes a CPU device only with GGML_VK_VISIBLE_DEVICES=0",
			o->device, ggml_backend_dev_count());
	}
	ggml_backend_t backend = ggml_backend_dev_init(dev, NULL);
	if (!backend) die(STATUS_FAILED, "%s cannot be initialized", o->device);
	if (o->threads) {
		ggml_backend_set_n_threads_t set = (ggml_backend_set_n_threads_t)ggml_backend_reg_get_proc_address(
			ggml_backend_dev_backend_reg(dev), "ggml_backend_set_n_threads");
		if (!set) die(STATUS_USAGE, "--threads: %s has no thread count", o->device);
		set(backend, (int)o->threads);
	}
	return backend;
}

/* Multiples of 1/256 in [-2, 2): the same number in F16, F32 and double. */
static double next_value(void) {
	static uint64_t state = 0x2545f4914f6cdd1d;
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double)(state >> 54) / 256 - 2;
}

static double *fill(struct ggml_tensor *t) {
	size_t n = (size_t)ggml_nelements(t);
	double *host = allocate(n, sizeof *host);
	char *raw = allocate(n, ggml_type_size(t->type));
	for (size_t i = 0; i < n; i++) {
		host[i] = next_value();
		if (t->type == GGML_TYPE_F32) ((float *)raw)[i] = (float)host[i];
		else ((ggml_fp16_t *)raw)[i] = ggml_fp32_to_fp16((float)host[i]);
	}
	ggml_backend_tensor_set(t, raw, 0, ggml_nbytes(t));
	free(raw);
	return host;
}

static void fill_causal_mask(const options *o, struct ggml_tensor *mask) {
	ggml_fp16_t *raw = allocate((size_t)(o->q_len * o->kv_len), sizeof *raw);
	const ggml_fp16_t open = ggml_fp32_to_fp16(0), closed = ggml_fp32_to_fp16(-INFINITY);
	for (long i = 0; i < o->q_len; i++)
		for (long j = 0; j < o->kv_len; j++)
			raw[i * o->kv_len + j] = j <= o->kv_len - o->q_len + i ? open : closed;
	ggml_backend_tensor_set(mask, raw, 0, ggml_nbytes(mask));
	free(raw);
}

static problem pose(const options *o, ggml_backend_t backend) {
	struct ggml_context *ctx = ggml_init((struct ggml_init_params){
		.mem_size = 8 * ggml_tensor_overhead() + ggml_graph_overhead(), .no_alloc = true});
	if (!ctx) die(STATUS_FAILED, "ggml_init failed");
	problem p = {
		.q = ggml_new_tensor_3d(ctx, GGML_TYPE_F32, o->head_dim, o->q_len, o->heads),
		.k = ggml_new_tensor_3d(ctx, GGML_TYPE_F16, o->head_dim, o->kv_len, o->kv_heads),
		.v = ggml_new_tensor_3d(ctx, GGML_TYPE_F16, o->head_dim, o->kv_len, o->kv_heads),
		.mask = ggml_new_tensor_2d(ctx, GGML_TYPE_F16, o->kv_len, o->q_len),
		.graph = ggml_new_graph(ctx),
	};
	p.out = ggml_flash_attn_ext(ctx, p.q, p.k, p.v, p.mask, 1 / sqrtf((float)o->head_dim), 0, 0);
	if (o->f32_acc && !ggml_prec_set_acc(p.out, GGML_PREC_F32)) die(STATUS_FAILED, "ggml refuses F32 accumulation");
	ggml_build_forward_expand(p.graph, p.out);
	if (!ggml_backend_supports_op(backend, p.out)) die(STATUS_FAILED, "%s does not support this shape", o->device);
	if (!ggml_backend_alloc_ctx_tensors(ctx, backend)) die(STATUS_FAILED, "%s has no memory for the tensors", o->device);
	p.host_q = fill(p.q);
	p.host_k = fill(p.k);
	p.host_v = fill(p.v);
	fill_causal_mask(o, p.mask);
	return p;
}

static double compute(ggml_backend_t backend, const problem *p) {
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	enum ggml_status status = ggml_backend_graph_compute(backend, p->graph);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (status != GGML_STATUS_SUCCESS) die(STATUS_FAILED, "computing failed: %s", ggml_status_to_string(status));
	return (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
}

/* Softmax attention of one row of one head: out = sum_j softmax(q.k_j / sqrt(d)) v_j. */
static void reference_row(const options *o, const problem *p, long head, long row, double *weights, double *out) {
	long d = o->head_dim, keys = o->kv_len - o->q_len + row + 1;
	long kv_start = head / (o->heads / o->kv_heads) * o->kv_len * d;
	const double *q = p->host_q + (head * o->q_len + row) * d;
	double highest = -INFINITY, sum = 0;
	for (long j = 0; j < keys; j++) {
		double dot = 0;
		for (long e = 0; e < d; e++) dot += q[e] * p->host_k[kv_start + j * d + e];
		weights[j] = dot / sqrt((double)d);
		highest = fmax(highest, weights[j]);
	}
	memset(out, 0, (size_t)d * sizeof *out);
	for (long j = 0; j < keys; j++) {
		double w = exp(weights[j] - highest);
		sum += w;
		for (long e = 0; e < d; e++) out[e] += w * p->host_v[kv_start + j * d + e];
	}
	for (long e = 0; e < d; e++) out[e] /= sum;
}

/* Computes once and returns the largest normalised mean square error of a row,
 * over five rows of every head. The output starts as NaN, so that what is not
 * written is found. */
static double verify(const options *o, ggml_backend_t backend, const problem *p, int *rows) {
	const long samples[] = {0, 1 % o->q_len, o->q_len / 3, o->q_len / 2, o->q_len - 1};
	size_t n = (size_t)ggml_nelements(p->out);
	float *got = allocate(n, sizeof *got);
	for (size_t i = 0; i < n; i++) got[i] = NAN;
	ggml_backend_tensor_set(p->out, got, 0, n * sizeof *got);
	compute(backend, p);
	ggml_backend_tensor_get(p->out, got, 0, n * sizeof *got);

	double *weights = allocate((size_t)o->kv_len, sizeof *weights);
	double *want = allocate((size_t)o->head_dim, sizeof *want);
	double worst = 0;
	*rows = 0;
	for (long head = 0; head < o->heads; head++)
		for (size_t s = 0; s < sizeof samples / sizeof *samples; s++, ++*rows) {
			reference_row(o, p, head, samples[s], weights, want);
			const float *row = got + (samples[s] * o->heads + head) * o->head_dim;
			double error = 0, power = 0;
			for (long e = 0; e < o->head_dim; e++) {
				error += (row[e] - want[e]) * (row[e] - want[e]);
				power += want[e] * want[e];
			}
			if (!(error <= max_nmse * power)) /* also when it is NaN */
				die(STATUS_WRONG, "wrong output on %s: head %ld row %ld has an error of %g, over %g; nothing timed",
					o->device, head, samples[s], error / power, max_nmse);
			if (power > 0) worst = fmax(worst, error / power);
		}
	free(weights);
	free(want);
	free(got);
	return worst;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print_result(const options *o, ggml_backend_t backend, const double *ms, double nmse, int rows) {
	size_t n = (size_t)o->reps;
	double *sorted = allocate(n, sizeof *sorted);
	memcpy(sorted, ms, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_value);
	double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
	double pairs = (double)o->q_len * (double)(o->kv_len - o->q_len) + (double)o->q_len * (double)(o->q_len + 1) / 2;
	double gflops = 4.0 * pairs * (double)o->head_dim * (double)o->heads / median / 1e6;

	printf("{\"peer\":\"ggml %s\",\"backend\":\"%s\",\"device\":\"", ggml_version(), o->device);
	for (const char *c = ggml_backend_dev_description(ggml_backend_get_device(backend)); *c; c++)
		if (*c >= ' ' && *c != '"' && *c != '\\') putchar(*c);
	printf("\",\"accumulation\":\"%s\",\"q_len\":%ld,\"kv_len\":%ld,\"heads\":%ld,\"kv_heads\":%ld,\"head_dim\":%ld,",
		o->f32_acc ? "f32" : "any", o->q_len, o->kv_len, o->heads, o->kv_heads, o->head_dim);
	printf("\"rows_verified\":%d,\"nmse\":%.3g,\"time_ms\":{\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,\"samples\":[",
		rows, nmse, median, sorted[0], sorted[n - 1]);
	for (size_t i = 0; i < n; i++) printf("%s%.3f", i ? "," : "", ms[i]);
	printf("]},\"gflops\":%.2f}\n", gflops);
	free(sorted);
}

int main(int argc, char **argv) {
	options o = parse_options(argc, argv);
	ggml_backend_t backend = open_backend(&o);
	problem p = pose(&o, backend);
	int rows;
	double nmse = verify(&o, backend, &p, &rows); /* warms up too */
	double *ms = allocate((size_t)o.reps, sizeof *ms);
	for (long i = 0; i < o.reps; i++) ms[i] = compute(backend, &p);
	print_result(&o, backend, ms, nmse, rows);
	return 0;
}
