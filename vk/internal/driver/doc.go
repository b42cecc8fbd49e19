// Package driver calls Vulkan. It holds all the C of package vk and the only
// use of cgo and of the binding github.com/vulkan-go/vulkan: each call is a
// method over numbers, slices and plain structs, which builds the structures of
// Vulkan on the C stack and keeps no Go pointer. Handles are integers, results
// are VkResults. What a result means, what is tried next and how long anything
// lives is package vk's to decide, which sees only the interfaces and so can be
// tested with a driver of its own.
//
// Where Vulkan cannot be called (without cgo, or on another system) the package
// has the same functions, none of which gives an Instance; see Supported.
package driver
