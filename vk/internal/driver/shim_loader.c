//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Opens the Vulkan loader by the name that its run-time package installs (the
 * unversioned libvulkan.so comes only with -dev packages). */
#include "shim_internal.h"

#if defined(_WIN32)
#include <windows.h>

void *vks_open_loader(char *err, size_t err_size) {
	HMODULE lib = LoadLibraryA("vulkan-1.dll");
	if (!lib) {
		snprintf(err, err_size, "vulkan-1.dll: error %lu", GetLastError());
		return NULL;
	}
	return (void *)GetProcAddress(lib, "vkGetInstanceProcAddr");
}
#else
#include <dlfcn.h>

#if defined(__APPLE__)
static const char *const names[] = {"libvulkan.1.dylib", "/usr/local/lib/libvulkan.1.dylib", "/opt/homebrew/lib/libvulkan.1.dylib", "libMoltenVK.dylib"};
#else
static const char *const names[] = {"libvulkan.so.1"};
#endif

void *vks_open_loader(char *err, size_t err_size) {
	err[0] = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		/* Never closed: drivers keep threads and atexit handlers in it. */
		void *lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (!lib) {
			const char *why = dlerror();
			if (!err[0]) snprintf(err, err_size, "%s", why ? why : names[i]);
			continue;
		}
		void *get = dlsym(lib, "vkGetInstanceProcAddr");
		if (get) return get;
		snprintf(err, err_size, "%s has no vkGetInstanceProcAddr", names[i]);
	}
	return NULL;
}
#endif
