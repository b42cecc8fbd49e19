package vk

import (
	"fmt"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// BorrowBuffer makes a Buffer of a VkBuffer of the caller's, on an adopted
// device. Closing it frees nothing. Errors are *BorrowError.
func (d *Device) BorrowBuffer(b BorrowedBuffer) (*Buffer, error) {
	fail := func(field, problem, try string) error {
		if field != "" {
			field = "." + field
		}
		return &BorrowError{fmt.Sprintf("BorrowedBuffer%s (buffer %q)", field, b.Name), problem, try}
	}
	switch {
	case d.lent == nil:
		return nil, fail("", "comes to a device that was not adopted, which cannot know it", "use Device.NewBuffer, or vk.Adopt")
	case b.Handle == 0:
		return nil, fail("Handle", "is a null handle", "pass your VkBuffer")
	case b.Size == 0:
		return nil, fail("Size", "is 0", "pass the size that the buffer was created with")
	case b.Usage&driver.UsageStorage == 0:
		return nil, fail("Usage", fmt.Sprintf("is %#x, without VK_BUFFER_USAGE_STORAGE_BUFFER_BIT", b.Usage), "create the buffer with that usage, and pass the flags that it was created with")
	case b.Address != 0 && b.Usage&driver.UsageAddress == 0:
		return nil, fail("Address", "is set, but Usage has no VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT", "pass the usage that the buffer was created with, or no address")
	case b.Address%16 != 0:
		return nil, fail("Address", fmt.Sprintf("is %#x, not a multiple of 16", b.Address), "pass what vkGetBufferDeviceAddress gives, or 0")
	}
	if err := d.lifetime.enter(); err != nil {
		return nil, err
	}
	defer d.lifetime.leave()
	made := &Buffer{device: d, label: b.Name, handle: uint64(b.Handle), size: b.Size, usage: b.Usage, lent: true}
	if d.physical.report.Features.BufferAddress && b.Usage&driver.UsageAddress != 0 {
		made.address = b.Address
		if made.address == 0 {
			made.address = d.driver.BufferAddress(made.handle)
		}
	}
	d.lifetime.add(made)
	return made, nil
}

// Borrowed says whether the buffer is the caller's.
func (b *Buffer) Borrowed() bool { return b.lent }

// allows refuses a use of a borrowed buffer that its owner did not make it for.
func (b *Buffer) allows(usage uint32, name, what string) error {
	if b.usage&usage != 0 {
		return nil
	}
	return &BorrowError{
		fmt.Sprintf("BorrowedBuffer.Usage (buffer %q)", b.label), fmt.Sprintf("is %#x, without %s, which %s needs", b.usage, name, what),
		"create the buffer with that usage",
	}
}

func (b *Buffer) allowsCopyTo(what string) error {
	return b.allows(driver.UsageTransferDst, "VK_BUFFER_USAGE_TRANSFER_DST_BIT", what)
}

func (b *Buffer) allowsCopyFrom(what string) error {
	return b.allows(driver.UsageTransferSrc, "VK_BUFFER_USAGE_TRANSFER_SRC_BIT", what)
}
