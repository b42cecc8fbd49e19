/* Switches of the wrappers in fault.c. Counts run down: 0 means "from now on",
 * a negative number means never. */
#include <stdint.h>

typedef struct {
	int64_t fail_allocation; /* allocations that still succeed */
	int64_t lose_submit;     /* submissions that still succeed */
	int64_t lose_wait;       /* waits that still succeed */
	int64_t hang_wait;       /* waits that still succeed; later ones time out, and see nothing of the work */
	int64_t fail_wait;       /* waits that still succeed; later ones lack host memory */
	int64_t fail_pipeline;   /* pipelines that can still be made */
	int64_t incoherent;      /* hide the host-coherent flag of memory types */
	int64_t refuse_priority; /* no device with a global priority is made */
	int64_t no_queue;        /* the driver has no queue to give */
	int64_t drop_submit;     /* submissions that still run; later ones signal that they have ended, and do nothing */
	int64_t bad_clock;       /* readings of timestamps that are still right */
	int64_t clock_fault;     /* what later ones give: one of enum fault_clock */
	int64_t no_type;         /* index of a memory type whose allocations fail */
} fault_switches;

enum fault_clock { FAULT_CLOCK_ZERO, FAULT_CLOCK_BACKWARDS, FAULT_CLOCK_FAST, FAULT_CLOCK_NOT_READY };

typedef struct {
	int64_t live;       /* allocations not freed */
	int64_t flushes;    /* of mapped ranges */
	int64_t invalidates;
	int64_t misaligned; /* flushes and invalidates that are not whole atoms */
	int64_t submits;
	int64_t priority;   /* global priority that the last device was made with, 0 for none */
	int64_t tried;      /* bit mask of the memory types that were asked for */
} fault_counts;

/* Drivers are called, and switches set, from any thread. */
void fault_set(fault_switches to);
fault_counts fault_counted(void);
void fault_reset(void); /* of the counts */

/* A device with one of these feature structures (VkStructureType) or extensions is refused. */
enum { FAULT_REFUSED = 8 };
extern int32_t fault_refused_features[FAULT_REFUSED]; /* 0 ends the list */
extern char fault_refused_extension[256];

void *fault_wrap(const char *name, void *address);
