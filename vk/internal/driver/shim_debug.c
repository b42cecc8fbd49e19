//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Messages of the validation layer. They may come from any thread of a driver,
 * so they are kept in a locked list here, and Go takes them out. */
#include "shim_internal.h"

#if defined(_WIN32)
#include <windows.h>
typedef SRWLOCK lock_t;
#define LOCK_INIT(l) InitializeSRWLock(l)
#define LOCK(l) AcquireSRWLockExclusive(l)
#define UNLOCK(l) ReleaseSRWLockExclusive(l)
#else
#include <pthread.h>
typedef pthread_mutex_t lock_t;
#define LOCK_INIT(l) pthread_mutex_init(l, NULL)
#define LOCK(l) pthread_mutex_lock(l)
#define UNLOCK(l) pthread_mutex_unlock(l)
#endif

enum { MAX_MESSAGES = 1000 };

typedef struct message {
	struct message *next;
	char text[];
} message;

struct vks_messages {
	lock_t lock;
	message *first, **last;
	int count;
};

vks_messages *vks_messages_new(void) {
	vks_messages *m = calloc(1, sizeof *m);
	if (!m) return NULL;
	LOCK_INIT(&m->lock);
	m->last = &m->first;
	return m;
}

void vks_messages_free(vks_messages *m) {
	if (!m) return;
	for (message *e = m->first; e;) {
		message *next = e->next;
		free(e);
		e = next;
	}
	free(m);
}

VkBool32 VKAPI_PTR vks_on_message(VkFlags severity, VkFlags types, const VkDebugUtilsMessengerCallbackDataEXT *data, void *user) {
	(void)types;
	vks_messages *m = user;
	if (!m || !data || !data->pMessage) return 0;
	const char *kind = severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT ? "error" : "warning";
	const char *id = data->pMessageIdName ? data->pMessageIdName : "";
	size_t size = strlen(data->pMessage) + strlen(id) + 32;
	message *e = malloc(sizeof *e + size);
	if (!e) return 0;
	e->next = NULL;
	snprintf(e->text, size, "%s %s: %s", kind, id, data->pMessage);
	LOCK(&m->lock);
	if (m->count < MAX_MESSAGES) {
		*m->last = e;
		m->last = &e->next;
		m->count++;
		e = NULL;
	}
	UNLOCK(&m->lock);
	free(e); /* the list was full */
	return 0;
}

int vks_next_message(vks_instance *in, char *text, int cap) {
	vks_messages *m = in->messages;
	if (!m) return -1;
	LOCK(&m->lock);
	message *e = m->first;
	if (e) {
		m->first = e->next;
		if (!m->first) m->last = &m->first;
		m->count--;
	}
	UNLOCK(&m->lock);
	if (!e) return -1;
	int n = (int)strlen(e->text);
	if (n > cap) n = cap;
	memcpy(text, e->text, n);
	free(e);
	return n;
}

void vks_stop_messenger(vks_instance *in) {
	if (in->messenger) in->vkDestroyDebugUtilsMessengerEXT(in->handle, in->messenger, NULL);
	in->messenger = NULL;
}

void vks_instance_close(vks_instance *in) {
	vks_messages_free(in->messages);
	free(in);
}
