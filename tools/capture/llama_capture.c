/* Captures a model that llama.cpp runs: llama_capture.sh builds and runs this; see there. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ggml-backend.h"
#include "llama.h"
#include "llama_nodes.h"

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
    if (errno || *end || end == text || n < least || n > 1 << 30)
        die("%s is %s; use a whole number from %ld on", option, text, least);
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
    if (!tokens || llama_tokenize(vocab, text, (int32_t)size, tokens, n, true, true) != n)
        die("cannot tokenize %s", path);
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

static const char usage[] = "llama_capture MODEL.gguf TEXT OUT --backends FOLDER --text-sha256 HEX\n"
                            "  [--layers LIST] [--kv-heads LIST] [--positions N] [--ubatch N] [--threads N] [--name "
                            "NAME] [--save-every SECONDS]\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {{"layers", 1, 0, 'l'}, {"kv-heads", 1, 0, 'k'}, {"positions", 1, 0, 'p'},
        {"ubatch", 1, 0, 'u'}, {"threads", 1, 0, 't'}, {"name", 1, 0, 'n'}, {"backends", 1, 0, 'b'},
        {"text-sha256", 1, 0, 's'}, {"save-every", 1, 0, 'e'}, {0, 0, 0, 0}};
    const char *backends = NULL, *layers = NULL;
    long positions = 0, ubatch = 512, threads = sysconf(_SC_NPROCESSORS_ONLN), save_every = 60;
    seconds();
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
    if (job.of.layers < 1 || job.of.layers > MOST_LAYERS)
        die("the model has %d layers; 1 to %d are known", job.of.layers, MOST_LAYERS);

    long count;
    llama_token *tokens = tokenize(model, text, &count);
    job.of.positions = positions ? positions : count;
    if (job.of.positions > count)
        die("the text has %ld tokens, and --positions is %ld; use a longer text or fewer positions", count, positions);
    if (job.of.positions < 2) die("the text has %ld tokens; attention needs two or more", count);
    if (job.of.positions > llama_model_n_ctx_train(model))
        fprintf(stderr, "llama_capture: %ld positions are more than the %d that the model was trained for\n",
            job.of.positions, llama_model_n_ctx_train(model));
    if (ubatch > job.of.positions) ubatch = job.of.positions;

    int wanted[MOST_LAYERS], number_wanted = 0, missing = 0;
    if (layers && (number_wanted = parse_numbers(layers, wanted, job.of.layers)) < 0)
        die("--layers is %s; use numbers from 0 to %d and ranges with commas, such as 0,5,20-29", layers,
            job.of.layers - 1);
    for (int i = 0; !layers && i < job.of.layers; i++) wanted[number_wanted++] = i;
    if (mkdir(job.of.out, 0777) != 0 && errno != EEXIST)
        die("cannot make the folder %s: %s", job.of.out, strerror(errno));
    for (int i = 0; i < number_wanted; i++) {
        char why[2048];
        int finished = layer_is_finished(&job.of, wanted[i], why, sizeof why);
        if (finished < 0) die("%s", why);
        job.states[wanted[i]] = finished ? WRITTEN : WANTED;
        missing += !finished;
    }
    if (missing < number_wanted)
        fprintf(stderr, "%d of %d layers are in %s already\n", number_wanted - missing, number_wanted, job.of.out);
    write_tokens(tokens);
    if (missing) run(model, tokens, ubatch, threads, (double)save_every);

    int written = 0, lost = 0;
    for (int i = 0; i < job.of.layers; i++) {
        if (job.states[i] == WRITTEN) written++;
        if (job.states[i] == WANTED)
            leave_out(i, "llama.cpp computes no attention there through kq, kq_soft_max and kqv");
        if (job.states[i] != LEFT_OUT) continue;
        lost++;
        remove(layer_path(&job.of, i, true));
        fprintf(stderr, "layer %3d left out: %s\n", i, job.reasons[i]);
    }
    if (lost && layers)
        die("%d of the layers named in --layers cannot be captured (reasons above); %d are in %s", lost, written,
            job.of.out);
    if (!written) die("no layer could be captured (reasons above)");
    printf("%d layers in %s; next: anchorvk eval %s/*.safetensors\n", written, job.of.out, job.of.out);
    llama_model_free(model);
    return 0;
}
