/* Runs one workgroup of a compute shader on the first device of a Vulkan driver:
 *
 *   compute DRIVER.so MODULE.spv WORDS [HEX...]
 *
 * Binding 0 of set 0 is a storage buffer of so many 32-bit words that starts with
 * the given ones; the rest is zero. What it holds after the run goes to stdout, in
 * hexadecimal, on one line. Features that the driver offers and modules may need are
 * all enabled. There is no loader: the driver is asked as a loader would. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define VK_NO_PROTOTYPES
#include <vulkan/vk_icd.h>
#include <vulkan/vulkan.h>

static PFN_vkGetInstanceProcAddr lookup;
static VkInstance instance;
static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queue;

#define CALL(name) ((PFN_##name)lookup(instance, #name))
#define NEED(call) need(call, #call)

static void need(VkResult result, const char *call)
{
	if (result == VK_SUCCESS || result == VK_INCOMPLETE) return;
	fprintf(stderr, "compute: %s: VkResult %d\n", call, result);
	exit(2);
}

static void open_driver(const char *path)
{
	void *driver = dlopen(path, RTLD_NOW);
	if (!driver) {
		fprintf(stderr, "compute: %s\n", dlerror());
		exit(2);
	}
	uint32_t version = 5, one = 1;
	*(void **)&lookup = dlsym(driver, "vk_icdGetInstanceProcAddr");
	PFN_vkNegotiateLoaderICDInterfaceVersion negotiate;
	*(void **)&negotiate = dlsym(driver, "vk_icdNegotiateLoaderICDInterfaceVersion");
	if (negotiate) NEED(negotiate(&version));
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
	VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	NEED(CALL(vkCreateInstance)(&info, NULL, &instance));
	NEED(CALL(vkEnumeratePhysicalDevices)(instance, &one, &gpu));
}

static int has_extension(const char *name)
{
	VkExtensionProperties list[512];
	uint32_t count = 512;
	NEED(CALL(vkEnumerateDeviceExtensionProperties)(gpu, NULL, &count, list));
	while (count-- > 0) {
		if (!strcmp(list[count].extensionName, name)) return 1;
	}
	return 0;
}

static void open_device(void)
{
	VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrix2 = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
	VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
	VkPhysicalDeviceVulkan13Features v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
	VkPhysicalDeviceVulkan12Features v12 = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .pNext = &v13};
	VkPhysicalDeviceVulkan11Features v11 = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &v12};
	VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v11};
	const char *extensions[2];
	uint32_t enabled = 0;
	if (has_extension("VK_KHR_cooperative_matrix")) {
		extensions[enabled++] = "VK_KHR_cooperative_matrix";
		v13.pNext = &matrix;
		if (has_extension("VK_NV_cooperative_matrix2")) {
			extensions[enabled++] = "VK_NV_cooperative_matrix2";
			matrix.pNext = &matrix2;
		}
	}
	CALL(vkGetPhysicalDeviceFeatures2)(gpu, &features);
	features.features.robustBufferAccess = VK_FALSE;
	float priority = 1;
	VkDeviceQueueCreateInfo queues = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &features,
		.queueCreateInfoCount = 1, .pQueueCreateInfos = &queues,
		.enabledExtensionCount = enabled, .ppEnabledExtensionNames = extensions};
	NEED(CALL(vkCreateDevice)(gpu, &info, NULL, &device));
	CALL(vkGetDeviceQueue)(device, 0, 0, &queue);
}

static VkBuffer make_buffer(VkDeviceSize size, uint32_t **data)
{
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.size = size, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
	VkBuffer buffer;
	NEED(CALL(vkCreateBuffer)(device, &info, NULL, &buffer));
	VkMemoryRequirements needs;
	CALL(vkGetBufferMemoryRequirements)(device, buffer, &needs);
	VkPhysicalDeviceMemoryProperties memories;
	CALL(vkGetPhysicalDeviceMemoryProperties)(gpu, &memories);
	uint32_t type = 0, wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	while (!(needs.memoryTypeBits >> type & 1) || (memories.memoryTypes[type].propertyFlags & wanted) != wanted) type++;
	VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.allocationSize = needs.size, .memoryTypeIndex = type};
	VkDeviceMemory memory;
	NEED(CALL(vkAllocateMemory)(device, &allocate, NULL, &memory));
	NEED(CALL(vkBindBufferMemory)(device, buffer, memory, 0));
	NEED(CALL(vkMapMemory)(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)data));
	memset(*data, 0, size);
	return buffer;
}

static VkShaderModule read_module(const char *path)
{
	static uint32_t code[1 << 18];
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(2);
	}
	VkShaderModuleCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.pCode = code, .codeSize = fread(code, 1, sizeof code, file)};
	fclose(file);
	VkShaderModule module;
	NEED(CALL(vkCreateShaderModule)(device, &info, NULL, &module));
	return module;
}

/* Binds the pipeline and the buffer that it reads and writes. */
static void bind_all(VkCommandBuffer commands, VkShaderModule module, VkBuffer buffer)
{
	VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.descriptorCount = 1, .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
	VkDescriptorSetLayoutCreateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
		.bindingCount = 1, .pBindings = &binding};
	VkDescriptorSetLayout set_layout;
	NEED(CALL(vkCreateDescriptorSetLayout)(device, &set_info, NULL, &set_layout));
	VkPipelineLayoutCreateInfo layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.setLayoutCount = 1, .pSetLayouts = &set_layout};
	VkPipelineLayout layout;
	NEED(CALL(vkCreatePipelineLayout)(device, &layout_info, NULL, &layout));
	VkComputePipelineCreateInfo pipeline_info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.layout = layout, .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
			.stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = "main"}};
	VkPipeline pipeline;
	NEED(CALL(vkCreateComputePipelines)(device, VK_NULL_HANDLE, 1, &pipeline_info, NULL, &pipeline));

	VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
	VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
	VkDescriptorPool pool;
	NEED(CALL(vkCreateDescriptorPool)(device, &pool_info, NULL, &pool));
	VkDescriptorSetAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorPool = pool, .descriptorSetCount = 1, .pSetLayouts = &set_layout};
	VkDescriptorSet set;
	NEED(CALL(vkAllocateDescriptorSets)(device, &allocate, &set));
	VkDescriptorBufferInfo whole = {buffer, 0, VK_WHOLE_SIZE};
	VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = set,
		.descriptorCount = 1, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &whole};
	CALL(vkUpdateDescriptorSets)(device, 1, &write, 0, NULL);
	CALL(vkCmdBindPipeline)(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
	CALL(vkCmdBindDescriptorSets)(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
}

static void run(VkShaderModule module, VkBuffer buffer)
{
	VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
	VkCommandPool pool;
	NEED(CALL(vkCreateCommandPool)(device, &pool_info, NULL, &pool));
	VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = pool, .commandBufferCount = 1};
	VkCommandBuffer commands;
	NEED(CALL(vkAllocateCommandBuffers)(device, &allocate, &commands));
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	NEED(CALL(vkBeginCommandBuffer)(commands, &begin));
	bind_all(commands, module, buffer);
	CALL(vkCmdDispatch)(commands, 1, 1, 1);
	VkMemoryBarrier to_host = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT, .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
	CALL(vkCmdPipelineBarrier)(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT,
		0, 1, &to_host, 0, NULL, 0, NULL);
	NEED(CALL(vkEndCommandBuffer)(commands));
	VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1, .pCommandBuffers = &commands};
	NEED(CALL(vkQueueSubmit)(queue, 1, &submit, VK_NULL_HANDLE));
	NEED(CALL(vkQueueWaitIdle)(queue));
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: compute DRIVER.so MODULE.spv WORDS [HEX...]\n");
		return 2;
	}
	open_driver(argv[1]);
	open_device();
	uint32_t words = strtoul(argv[3], NULL, 10);
	uint32_t *data;
	VkBuffer buffer = make_buffer(4 * (VkDeviceSize)words, &data);
	for (uint32_t i = 0; i < words && argv[4 + i]; i++) data[i] = strtoul(argv[4 + i], NULL, 16);
	run(read_module(argv[2]), buffer);
	for (uint32_t i = 0; i < words; i++) printf("%08x%c", data[i], i + 1 < words ? ' ' : '\n');
	return 0;
}
