/* A child that was forked gets an error at once, from every function, and the
 * parent goes on. */
#define _DEFAULT_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static struct fixture f;

#define REFUSED(call) EXPECT(call, AVK_ERROR_UNSUPPORTED, "forked")

static void child(void) {
	char text[100];
	uint32_t parts;
	avk_device device = 0;
	avk_engine engine = 0;
	avk_plan plan = 0;
	avk_buffer buffer = 0;
	avk_call call = 0;
	avk_scratch scratch = 0;
	avk_profile profile = 0;
	avk_memory memory;
	alarm(20); /* rather than hang */
	REFUSED(avk_check_abi(AVK_ABI_VERSION));
	REFUSED(avk_version(text, sizeof text, NULL));
	REFUSED(avk_device_list(NULL, text, sizeof text, NULL));
	REFUSED(avk_device_open(NULL, &device));
	REFUSED(avk_device_adopt(NULL, NULL, &device));
	REFUSED(avk_device_report(f.device, AVK_FORMAT_TEXT, text, sizeof text, NULL));
	REFUSED(avk_buffer_create(f.device, 64, AVK_MEMORY_DEVICE, &buffer));
	REFUSED(avk_buffer_borrow(f.device, NULL, &buffer));
	REFUSED(avk_buffer_upload(f.buffer, 0, f.q, 64));
	REFUSED(avk_buffer_download(f.buffer, 0, f.q, 64));
	REFUSED(avk_engine_create(f.device, &engine));
	REFUSED(avk_engine_warmup(f.engine, f.plan));
	REFUSED(avk_engine_tune(f.engine, NULL, NULL, 0, NULL));
	REFUSED(avk_engine_tuned(f.engine, "/"));
	REFUSED(avk_plan_defaults(&f.info));
	REFUSED(avk_plan_preset(&f.info, "safe"));
	REFUSED(avk_plan_create(f.engine, &f.info, &plan));
	REFUSED(avk_plan_text(f.plan, AVK_FORMAT_TEXT, text, sizeof text, NULL));
	REFUSED(avk_plan_memory(f.plan, &memory));
	REFUSED(avk_call_create(f.engine, f.plan, &f.tensors, &call));
	REFUSED(avk_call_run(f.call, NULL));
	REFUSED(avk_call_pace(f.call, 0, NULL, 0));
	REFUSED(avk_call_start(f.call));
	REFUSED(avk_call_wait(f.call, -1, NULL));
	REFUSED(avk_call_submit(f.call, NULL));
	REFUSED(avk_call_submitted(f.call, -1));
	REFUSED(avk_call_cancel(f.call));
	REFUSED(avk_scratch_create(f.engine, f.plan, &scratch));
	REFUSED(avk_call_prepare(f.call, 0, &parts));
	REFUSED(avk_call_record(f.call, 0, NULL));
	REFUSED(avk_call_recorded(f.call, NULL));
	REFUSED(avk_call_warnings(f.call, text, sizeof text, NULL));
	REFUSED(avk_profile_open("/", &profile));
	REFUSED(avk_profile_parse("", 0, &profile));
	REFUSED(avk_profile_text(1, AVK_FORMAT_TEXT, text, sizeof text, NULL));
	REFUSED(avk_profile_check(1, 1, 1));
	REFUSED(avk_profile_apply(1, 0, &f.info, NULL, 0));
	REFUSED(avk_profile_close(1));
	REFUSED(avk_scratch_close(1));
	REFUSED(avk_call_close(f.call));
	REFUSED(avk_plan_close(f.plan));
	REFUSED(avk_buffer_close(f.buffer));
	REFUSED(avk_engine_close(f.engine));
	REFUSED(avk_device_close(f.device));
	HOLDS(avk_abi_version() == AVK_ABI_VERSION);
	HOLDS(strcmp(avk_status_name(AVK_ERROR_UNSUPPORTED), "AVK_ERROR_UNSUPPORTED") == 0);
	HOLDS(device == 0 && engine == 0 && plan == 0 && buffer == 0 && call == 0 && scratch == 0 && profile == 0);
	pid_t grandchild = fork();
	if (grandchild == 0) {
		REFUSED(avk_device_list(NULL, NULL, 0, NULL));
		_exit(finish());
	}
	int status = 1;
	HOLDS(waitpid(grandchild, &status, 0) == grandchild && status == 0);
	_exit(finish());
}

int main(void) {
	fixture_open(&f);
	fixture_run(&f);
	pid_t pid = fork();
	if (pid == 0) child();
	int status = 1;
	HOLDS(waitpid(pid, &status, 0) == pid && status == 0);
	fixture_run(&f); /* the parent's */
	fixture_close(&f);
	return finish();
}
