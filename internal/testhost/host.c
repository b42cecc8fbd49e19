//go:build cgo && !windows

/* The host's instance, device and queue. */
#include "internal.h"

#include <dlfcn.h>

static PFN_vkGetInstanceProcAddr get_proc(void) {
	static PFN_vkGetInstanceProcAddr get;
	if (!get) {
		void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
		if (library) get = (PFN_vkGetInstanceProcAddr)dlsym(library, "vkGetInstanceProcAddr");
	}
	return get;
}

void *host_get_instance_proc_addr(void) { return (void *)get_proc(); }
uint64_t host_instance(host *h) { return BITS(h->instance); }
uint64_t host_physical(host *h) { return BITS(h->physical); }
uint64_t host_device(host *h) { return BITS(h->device); }
uint64_t host_queue(host *h) { return BITS(h->queue); }
uint32_t host_family(host *h) { return h->family; }
const void *host_features(host *h) { return &h->features; }
int host_extension_count(host *h) { return h->extension_count; }
const char *host_extension(host *h, int i) { return h->extensions[i]; }
int64_t host_locks(host *h) { return h->locks; }
int64_t host_bad_locks(host *h) { return h->bad_locks; }

void host_lock(void *user, uint32_t family, uint32_t index) {
	host *h = user;
	pthread_mutex_lock(&h->mutex);
	h->owner = pthread_self();
	h->locks++;
	if (family != h->family || index != 0) h->bad_locks++;
}

void host_unlock(void *user, uint32_t family, uint32_t index) {
	host *h = user;
	if (family != h->family || index != 0 || !pthread_equal(h->owner, pthread_self())) h->bad_locks++;
	pthread_mutex_unlock(&h->mutex);
}

static int make_instance(host *h, uint32_t api) {
	PFN_vkCreateInstance create = (PFN_vkCreateInstance)get_proc()(NULL, "vkCreateInstance");
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "test host", .apiVersion = api};
	VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	if (!create || create(&info, NULL, &h->instance) != VK_SUCCESS) return 0;
#define RESOLVE(name) h->name = (PFN_##name)get_proc()(h->instance, #name);
	HOST_FUNCTIONS(RESOLVE)
	uint32_t n = 1;
	return h->vkEnumeratePhysicalDevices(h->instance, &n, &h->physical) >= VK_SUCCESS && n == 1;
}

static int lists(host *h, const char *extension) {
	uint32_t n = 0;
	h->vkEnumerateDeviceExtensionProperties(h->physical, NULL, &n, NULL);
	VkExtensionProperties *p = calloc(n + 1, sizeof *p);
	int found = 0;
	if (p && h->vkEnumerateDeviceExtensionProperties(h->physical, NULL, &n, p) >= VK_SUCCESS)
		for (uint32_t i = 0; i < n; i++) found |= strcmp(p[i].extensionName, extension) == 0;
	free(p);
	return found;
}

#define CHAIN(s) ((s).pNext = h->features.pNext, h->features.pNext = &(s))

/* Asks what there is with the chain that is to be used, and leaves on what is wanted. */
static void choose_features(host *h, const host_options *o) {
	h->features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
	h->v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
	h->v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
	h->v13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
	h->storage.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES;
	h->half.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
	h->size.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
	h->model.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES;
	h->address.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES;
	h->timeline.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
	h->coop.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
	h->m4.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES;
	h->coop2.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV;
	const uint32_t minor = o->api >> 12 & 0x3ff;
	/* A structure of an extension is in the chain when the extension is enabled. */
	if (minor >= 2 && (o->enable & HOST_COOPMAT) && lists(h, "VK_KHR_cooperative_matrix")) {
		h->extensions[h->extension_count++] = "VK_KHR_cooperative_matrix";
		CHAIN(h->coop);
		if (minor >= 3 && (o->enable & HOST_COOPMAT2) && lists(h, "VK_NV_cooperative_matrix2")) {
			h->extensions[h->extension_count++] = "VK_NV_cooperative_matrix2";
			CHAIN(h->coop2);
		}
	}
	if (o->single_chain || minor < 2) {
		CHAIN(h->storage);
		if (minor >= 3) {
			CHAIN(h->size);
			CHAIN(h->m4);
		}
		if (minor >= 2) {
			CHAIN(h->half);
			CHAIN(h->model);
			CHAIN(h->address);
			CHAIN(h->timeline);
		}
	} else {
		CHAIN(h->v11);
		CHAIN(h->v12);
		if (minor >= 3) CHAIN(h->v13);
	}
	h->vkGetPhysicalDeviceFeatures2(h->physical, &h->features);
	h->features.features = (VkPhysicalDeviceFeatures){0};
	/* Only what is wanted stays: each is set in one of two structures, and the other is not in the chain. */
	const VkBool32 storage = h->storage.storageBuffer16BitAccess || h->v11.storageBuffer16BitAccess;
	const VkBool32 half = h->half.shaderFloat16 || h->v12.shaderFloat16;
	const VkBool32 size = h->size.subgroupSizeControl || h->v13.subgroupSizeControl, full = h->size.computeFullSubgroups || h->v13.computeFullSubgroups;
	const VkBool32 model = h->model.vulkanMemoryModel || h->v12.vulkanMemoryModel;
	const VkBool32 scope = h->model.vulkanMemoryModelDeviceScope || h->v12.vulkanMemoryModelDeviceScope;
	const VkBool32 address = h->address.bufferDeviceAddress || h->v12.bufferDeviceAddress;
	const VkBool32 timeline = h->timeline.timelineSemaphore || h->v12.timelineSemaphore;
	const VkBool32 m4 = h->m4.maintenance4 || h->v13.maintenance4;
#define CLEAR(s) memset((char *)&(s) + sizeof(VkStructureType) + 4 + sizeof(void *), 0, sizeof(s) - sizeof(VkStructureType) - 4 - sizeof(void *))
	CLEAR(h->v11); CLEAR(h->v12); CLEAR(h->v13); CLEAR(h->storage); CLEAR(h->half); CLEAR(h->size); CLEAR(h->model); CLEAR(h->address); CLEAR(h->timeline); CLEAR(h->m4);
#define ON(bit, offered) ((offered) && (o->enable & (bit)) ? 1 : 0)
	h->storage.storageBuffer16BitAccess = h->v11.storageBuffer16BitAccess = ON(HOST_STORAGE16, storage);
	h->half.shaderFloat16 = h->v12.shaderFloat16 = ON(HOST_FLOAT16, half);
	h->size.subgroupSizeControl = h->v13.subgroupSizeControl = ON(HOST_SUBGROUP_SIZE, size);
	h->size.computeFullSubgroups = h->v13.computeFullSubgroups = ON(HOST_SUBGROUP_SIZE, full);
	h->model.vulkanMemoryModel = h->v12.vulkanMemoryModel = ON(HOST_MEMORY_MODEL, model);
	h->model.vulkanMemoryModelDeviceScope = h->v12.vulkanMemoryModelDeviceScope = ON(HOST_MEMORY_MODEL, scope);
	h->address.bufferDeviceAddress = h->v12.bufferDeviceAddress = ON(HOST_ADDRESS, address);
	h->timeline.timelineSemaphore = h->v12.timelineSemaphore = ON(HOST_TIMELINE, timeline);
	h->m4.maintenance4 = h->v13.maintenance4 = ON(HOST_COOPMAT2, m4);
	/* Of the structures of extensions all that is offered stays on. */
	h->enabled = o->enable;
}

static int make_device(host *h) {
	VkQueueFamilyProperties p[32];
	uint32_t n = 32;
	h->vkGetPhysicalDeviceQueueFamilyProperties(h->physical, &n, p);
	for (h->family = 0; h->family < n && !(p[h->family].queueFlags & VK_QUEUE_COMPUTE_BIT);) h->family++;
	if (h->family == n) return 0;
	const float priority = 1;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueFamilyIndex = h->family, .queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &h->features, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue,
		.enabledExtensionCount = (uint32_t)h->extension_count, .ppEnabledExtensionNames = h->extensions};
	if (h->vkCreateDevice(h->physical, &info, NULL, &h->device) != VK_SUCCESS) return 0;
	h->vkGetDeviceQueue(h->device, h->family, 0, &h->queue);
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .flags = 2 /* reset single buffers */, .queueFamilyIndex = h->family};
	return h->vkCreateCommandPool(h->device, &pool, NULL, &h->pool) == VK_SUCCESS;
}

host *host_open(const host_options *o, char *err, size_t err_size) {
	host *h = calloc(1, sizeof *h);
	if (!h) return NULL;
	pthread_mutex_init(&h->mutex, NULL);
	const char *failed = NULL;
	if (!get_proc()) failed = "libvulkan.so.1 cannot be opened";
	else if (!make_instance(h, o->api)) failed = "no instance or no device";
	else {
		choose_features(h, o);
		if (!make_device(h)) failed = "vkCreateDevice failed";
	}
	if (!failed) return h;
	snprintf(err, err_size, "%s", failed);
	host_close(h);
	return NULL;
}

void host_close(host *h) {
	if (h->device) {
		h->vkDeviceWaitIdle(h->device);
		h->vkDestroyPipeline(h->device, h->pipeline, NULL);
		h->vkDestroyPipelineLayout(h->device, h->layout, NULL);
		h->vkDestroyDescriptorSetLayout(h->device, h->set_layout, NULL);
		h->vkDestroyDescriptorPool(h->device, h->descriptors, NULL);
		h->vkDestroyCommandPool(h->device, h->pool, NULL);
		h->vkDestroyDevice(h->device, NULL);
	}
	if (h->instance) h->vkDestroyInstance(h->instance, NULL);
	pthread_mutex_destroy(&h->mutex);
	free(h);
}
