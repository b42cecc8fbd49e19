/* Tuning on the device at hand, and what it refuses before any work.
 *
 *   tune FOLDER    # an empty one */
#include <math.h>

#include "fixture.h"

static struct fixture f;

int main(int argc, char **argv) {
	avk_tune_info info = {0};
	avk_engine other;
	avk_plan plan;
	char text[512] = "untouched";
	size_t length = 99;
	if (argc != 2) return 2;
	fixture_open(&f);
	info.struct_size = sizeof info;
	info.head_dim = 16, info.heads = 2, info.kv_heads = 1, info.length = 300, info.budget_ms = 1;

	EXPECT(avk_engine_tune(f.engine, NULL, NULL, 0, NULL), AVK_ERROR_ARGUMENT, "avk_tune_info is NULL");
	EXPECT(avk_engine_tune(f.engine + 1, &info, NULL, 0, NULL), AVK_ERROR_HANDLE, NULL);
	EXPECT(avk_engine_tune(f.engine, &info, NULL, 9, NULL), AVK_ERROR_ARGUMENT, "text is NULL");
#define WRONG(field, value, words) \
	do { \
		avk_tune_info wrong = info; \
		wrong.field = value; \
		EXPECT(avk_engine_tune(f.engine, &wrong, NULL, 0, NULL), AVK_ERROR_ARGUMENT, words); \
	} while (0)
	WRONG(head_dim, 0, "avk_tune_info.head_dim is 0");
	WRONG(head_dim, 12, "head_dim");
	WRONG(heads, 0, "give both");
	WRONG(length, -1, "avk_tune_info.length is -1");
	WRONG(budget_ms, NAN, "avk_tune_info.budget_ms is NaN");
	WRONG(tier, "nonsense", "no tier");
	EXPECT(avk_engine_tuned(f.engine, NULL), AVK_ERROR_ARGUMENT, "folder is NULL or empty");
	EXPECT(avk_engine_tuned(f.engine, ""), AVK_ERROR_ARGUMENT, "folder is NULL or empty");

	/* With next to no time the table's choice is measured, and nothing can win. */
	info.folder = argv[1];
	OK(avk_engine_tune(f.engine, &info, text, sizeof text, &length));
	HOLDS(length == strlen(text) && length < sizeof text);
	OK(avk_engine_tuned(f.engine, argv[1]));
	OK(avk_engine_create(f.device, &other));
	OK(avk_engine_tuned(other, argv[1]));
	OK(avk_plan_create(other, &f.info, &plan));
	OK(avk_plan_close(plan));
	OK(avk_engine_close(other));
	fixture_run(&f);
	fixture_close(&f);
	return finish();
}
