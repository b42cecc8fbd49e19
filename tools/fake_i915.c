/* A preloaded library that stands for the kernel's i915 driver, so that Mesa's
 * Intel driver makes a device for a GPU that is not there and compiles for it.
 * Nothing can be executed: submissions succeed and do nothing.
 *
 * FAKE_I915 is the PCI id of the GPU in hex and the number of execution units
 * of a subslice, as "e20b:8". The render node is a memory file whose pages are
 * the buffers: a buffer's handle is its place in the file, in pages of 64 KiB.
 * What the calls mean is from the headers of Linux (i915_drm.h) and libdrm. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <i915_drm.h>
#include <xf86drm.h>

#ifndef I915_PARAM_PXP_STATUS /* Linux 6.8 */
#define I915_PARAM_PXP_STATUS 58
#endif

#define NODE "/dev/dri/renderD128"
enum { PAGE_BITS = 16, SUBSLICES = 4, MAJOR = 226, MINOR = 128 };

static unsigned chipset, units;
static int memory = -1;
static uint64_t pages = 1; /* handle 0 is none */

static void __attribute__((constructor)) begin(void) {
	const char *text = getenv("FAKE_I915");
	if (!text || sscanf(text, "%x:%u", &chipset, &units) != 2 || units == 0 || units > 16) {
		fprintf(stderr, "fake_i915: FAKE_I915 is not as e20b:8\n");
		exit(2);
	}
	memory = memfd_create("i915", MFD_CLOEXEC);
}

static uint32_t create(uint64_t *size) {
	uint64_t first = pages;
	pages += (*size + (1u << PAGE_BITS) - 1) >> PAGE_BITS;
	if (ftruncate(memory, (off_t)(pages << PAGE_BITS))) return 0;
	return (uint32_t)first;
}

/* Replies to a query twice, as the kernel does: first its size, then the data. */
static int32_t reply(struct drm_i915_query_item *item, const void *data, size_t size) {
	if (item->length != 0) memcpy((void *)(uintptr_t)item->data_ptr, data, size);
	return (int32_t)size;
}

/* One slice of SUBSLICES, each with all its units. */
static int32_t topology(struct drm_i915_query_item *item) {
	struct { struct drm_i915_query_topology_info info; uint8_t masks[2 + 2 * SUBSLICES]; } t = {
		.info = {.max_slices = 1, .max_subslices = SUBSLICES, .max_eus_per_subslice = (uint16_t)units,
			.subslice_offset = 1, .subslice_stride = 1, .eu_offset = 2, .eu_stride = (uint16_t)((units + 7) / 8)},
		.masks = {1, (1 << SUBSLICES) - 1}};
	unsigned stride = t.info.eu_stride;
	memset(t.masks + 2, 0xff, SUBSLICES * stride);
	return reply(item, &t, sizeof t.info + 2 + SUBSLICES * stride);
}

static int32_t engines(struct drm_i915_query_item *item) {
	const uint16_t classes[] = {I915_ENGINE_CLASS_RENDER, I915_ENGINE_CLASS_COPY, I915_ENGINE_CLASS_COMPUTE};
	enum { COUNT = sizeof classes / sizeof *classes };
	struct { struct drm_i915_query_engine_info info; struct drm_i915_engine_info list[COUNT]; } e = {.info.num_engines = COUNT};
	for (int i = 0; i < COUNT; i++) e.list[i].engine.engine_class = classes[i];
	return reply(item, &e, sizeof e);
}

static int32_t regions(struct drm_i915_query_item *item) {
	struct { struct drm_i915_query_memory_regions info; struct drm_i915_memory_region_info list[2]; } r = {.info.num_regions = 2};
	for (int i = 0; i < 2; i++) {
		r.list[i].region.memory_class = i ? I915_MEMORY_CLASS_DEVICE : I915_MEMORY_CLASS_SYSTEM;
		r.list[i].probed_size = r.list[i].unallocated_size = 8ull << 30;
		r.list[i].probed_cpu_visible_size = r.list[i].unallocated_cpu_visible_size = 8ull << 30;
	}
	return reply(item, &r, sizeof r);
}

static void query(struct drm_i915_query *q) {
	struct drm_i915_query_item *items = (void *)(uintptr_t)q->items_ptr;
	for (uint32_t i = 0; i < q->num_items; i++) {
		switch (items[i].query_id) {
		case DRM_I915_QUERY_TOPOLOGY_INFO:
		case DRM_I915_QUERY_GEOMETRY_SUBSLICES: items[i].length = topology(&items[i]); break;
		case DRM_I915_QUERY_ENGINE_INFO: items[i].length = engines(&items[i]); break;
		case DRM_I915_QUERY_MEMORY_REGIONS: items[i].length = regions(&items[i]); break;
		default: items[i].length = -EINVAL;
		}
	}
}

static int parameter(struct drm_i915_getparam *p) {
	switch (p->param) {
	case I915_PARAM_CHIPSET_ID: *p->value = (int)chipset; break;
	case I915_PARAM_REVISION: *p->value = 0; break;
	case I915_PARAM_HAS_ALIASING_PPGTT: *p->value = 3; break; /* 48 bits of address */
	case I915_PARAM_MMAP_GTT_VERSION: *p->value = 4; break;   /* GEM_MMAP_OFFSET */
	case I915_PARAM_SLICE_MASK: *p->value = 1; break;
	case I915_PARAM_SUBSLICE_MASK: *p->value = (1 << SUBSLICES) - 1; break;
	case I915_PARAM_SUBSLICE_TOTAL: *p->value = SUBSLICES; break;
	case I915_PARAM_EU_TOTAL: *p->value = (int)(SUBSLICES * units); break;
	case I915_PARAM_CS_TIMESTAMP_FREQUENCY: *p->value = 19200000; break;
	case I915_PARAM_PXP_STATUS: errno = ENODEV; return -1;
	default: *p->value = 1;
	}
	return 0;
}

static int drm_call(unsigned long request, void *argument) {
	switch (request) {
	case DRM_IOCTL_I915_GETPARAM: return parameter(argument);
	case DRM_IOCTL_I915_QUERY: query(argument); break;
	case DRM_IOCTL_I915_GEM_CREATE: {
		struct drm_i915_gem_create *c = argument;
		c->handle = create((uint64_t *)&c->size);
		break;
	}
	case DRM_IOCTL_I915_GEM_CREATE_EXT: {
		struct drm_i915_gem_create_ext *c = argument;
		c->handle = create((uint64_t *)&c->size);
		break;
	}
	case DRM_IOCTL_I915_GEM_MMAP_OFFSET: {
		struct drm_i915_gem_mmap_offset *m = argument;
		m->offset = (uint64_t)m->handle << PAGE_BITS;
		break;
	}
	case DRM_IOCTL_I915_GEM_CONTEXT_CREATE: ((struct drm_i915_gem_context_create *)argument)->ctx_id = 1; break;
	case DRM_IOCTL_I915_GEM_CONTEXT_CREATE_EXT: ((struct drm_i915_gem_context_create_ext *)argument)->ctx_id = 1; break;
	case DRM_IOCTL_I915_GEM_VM_CREATE: ((struct drm_i915_gem_vm_control *)argument)->vm_id = 1; break;
	case DRM_IOCTL_I915_GEM_CONTEXT_GETPARAM: {
		struct drm_i915_gem_context_param *p = argument;
		p->value = p->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << 48 : 0;
		break;
	}
	case DRM_IOCTL_I915_GEM_GET_APERTURE: {
		struct drm_i915_gem_get_aperture *a = argument;
		a->aper_size = a->aper_available_size = 8ull << 30;
		break;
	}
	case DRM_IOCTL_GET_CAP: ((struct drm_get_cap *)argument)->value = 1; break;
	}
	return 0; /* what else there is has nothing to answer */
}

int ioctl(int fd, unsigned long request, ...) {
	va_list rest;
	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);
	if (_IOC_TYPE(request) == DRM_IOCTL_BASE) return drm_call(request, argument);
	int (*next)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	return next(fd, request, argument);
}

int open64(const char *path, int flags, ...) {
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	if (strcmp(path, NODE) == 0) return fcntl(memory, F_DUPFD_CLOEXEC, 3);
	int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
	return next(path, flags, mode);
}

int stat64(const char *path, struct stat64 *to) {
	int (*next)(const char *, struct stat64 *) = (int (*)(const char *, struct stat64 *))dlsym(RTLD_NEXT, "stat64");
	if (strcmp(path, NODE) != 0) return next(path, to);
	memset(to, 0, sizeof *to);
	to->st_mode = S_IFCHR | 0666;
	to->st_rdev = makedev(MAJOR, MINOR);
	return 0;
}

/* In one piece, because libdrm frees it so. */
int drmGetDevice2(int fd, uint32_t flags, drmDevicePtr *device) {
	(void)fd, (void)flags;
	struct whole { drmDevice device; drmPciBusInfo bus; drmPciDeviceInfo pci; char *nodes[DRM_NODE_MAX]; char names[DRM_NODE_MAX][sizeof NODE]; };
	struct whole *w = calloc(1, sizeof *w);
	if (!w) return -ENOMEM;
	for (int i = 0; i < DRM_NODE_MAX; i++) w->nodes[i] = w->names[i];
	strcpy(w->names[DRM_NODE_RENDER], NODE);
	w->pci = (drmPciDeviceInfo){.vendor_id = 0x8086, .device_id = (uint16_t)chipset};
	w->device = (drmDevice){.nodes = w->nodes, .available_nodes = 1 << DRM_NODE_RENDER, .bustype = DRM_BUS_PCI};
	w->device.businfo.pci = &w->bus;
	w->device.deviceinfo.pci = &w->pci;
	*device = &w->device;
	return 0;
}

int drmGetDevices2(uint32_t flags, drmDevicePtr devices[], int max) {
	if (!devices || max < 1) return 1;
	int result = drmGetDevice2(-1, flags, devices);
	return result < 0 ? result : 1;
}

drmVersionPtr drmGetVersion(int fd) {
	(void)fd;
	drmVersionPtr v = calloc(1, sizeof *v);
	if (!v) return NULL;
	*v = (drmVersion){.version_major = 1, .version_minor = 6, .name_len = 4, .name = strdup("i915"), .date = strdup(""), .desc = strdup("")};
	return v;
}
