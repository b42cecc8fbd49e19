/* A process whose thread keys are all taken: errors have no text then, and nobody
 * else's value is touched. */
#include "anchorvk.h"

#include <pthread.h>
#include <stdio.h>

enum { MOST = 4096 };

int main(void) {
	static pthread_key_t keys[MOST];
	static char mine[MOST];
	int count = 0;
	while (count < MOST && pthread_key_create(&keys[count], NULL) == 0) {
		if (pthread_setspecific(keys[count], &mine[count]) != 0) return 1;
		count++;
	}
	if (count == 0 || count == MOST) return 2;

	char text[8] = "before";
	if (avk_device_close(12345) != AVK_ERROR_HANDLE) return 3;
	if (avk_last_error(text, sizeof text) != 0 || text[0] != 0) return 4;
	for (int i = 0; i < count; i++)
		if (pthread_getspecific(keys[i]) != &mine[i]) return 5;
	printf("%d keys\n", count);
	return 0;
}
