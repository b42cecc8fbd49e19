//go:build !(cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64))

package vk

import (
	"context"
	"fmt"
	"runtime"
)

// This file stands for the package where it cannot call Vulkan: without cgo,
// and on other systems. Programs build all the same; List and Open say why
// there is no device, so that nothing else here is ever called.

func unsupported() error {
	return &NoDeviceError{
		Why:   fmt.Sprintf("this program was built for %s/%s without Vulkan", runtime.GOOS, runtime.GOARCH),
		Try:   "build it with CGO_ENABLED=1 and a C compiler, for Linux, Windows, macOS or FreeBSD on a 64-bit processor",
		Cause: ErrUnsupported,
	}
}

type (
	// Device is an opened Vulkan device; this build has none.
	Device struct{}
	// Buffer is memory of a Device; this build has none.
	Buffer struct{}
	// Pipeline is a compiled kernel; this build has none.
	Pipeline struct{}
	// Recorder collects work for a Device; this build has none.
	Recorder struct{}
	// Recording is work for command buffers of the caller's; this build has none.
	Recording struct{}
)

// Adopt returns a *NoDeviceError that wraps ErrUnsupported.
func Adopt(b Borrowed, opt Options) (*Device, error) {
	if err := b.check(&opt); err != nil {
		return nil, err
	}
	return nil, unsupported()
}

// BorrowedFeatures lists nothing in this build.
func BorrowedFeatures() []string { return nil }

// Open returns a *NoDeviceError that wraps ErrUnsupported.
func Open(opt Options) (*Device, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	return nil, unsupported()
}

// List returns a *NoDeviceError that wraps ErrUnsupported.
func List(opt Options) ([]Report, error) {
	_, err := Open(opt)
	return nil, err
}

// LoaderVersion returns a *NoDeviceError that wraps ErrUnsupported.
func LoaderVersion() (string, error) { return "", unsupported() }

func (d *Device) Report() *Report                                                 { return &Report{} }
func (d *Device) Priority() Priority                                              { return PriorityNormal }
func (d *Device) MemoryUsage() (used, budget uint64)                              { return 0, 0 }
func (d *Device) PipelineCacheData() ([]byte, error)                              { return nil, unsupported() }
func (d *Device) SavePipelineCache() error                                        { return unsupported() }
func (d *Device) StagingUsage() uint64                                            { return 0 }
func (d *Device) Err() error                                                      { return unsupported() }
func (d *Device) ValidationMessages() []string                                    { return nil }
func (d *Device) Close() error                                                    { return nil }
func (d *Device) NewBuffer(string, uint64, MemoryKind) (*Buffer, error)           { return nil, unsupported() }
func (d *Device) NewPipeline(PipelineConfig) (*Pipeline, error)                   { return nil, unsupported() }
func (d *Device) NewRecorder(string) (*Recorder, error)                           { return nil, unsupported() }
func (d *Device) Upload(context.Context, *Buffer, uint64, []byte) error           { return unsupported() }
func (d *Device) Download(context.Context, []byte, *Buffer, uint64) error         { return unsupported() }
func (d *Device) Borrowed() bool                                                  { return false }
func (d *Device) BorrowBuffer(BorrowedBuffer) (*Buffer, error)                    { return nil, unsupported() }
func (d *Device) SubmitSync(Sync) error                                           { return unsupported() }
func (b *Buffer) Borrowed() bool                                                  { return false }
func (b *Buffer) Shares(*Buffer) (int64, bool)                                    { return 0, false }
func (r *Recorder) Submit(Sync) error                                             { return unsupported() }
func (r *Recorder) Wait(context.Context) error                                    { return unsupported() }
func (r *Recorder) Ended() bool                                                   { return true }
func (r *Recorder) Cut()                                                          {}
func (r *Recorder) Hold() (*Recording, error)                                     { return nil, unsupported() }
func (r *Recording) Parts() int                                                   { return 0 }
func (r *Recording) Record(Handle, int, int) error                                { return unsupported() }
func (r *Recording) CheckRun() error                                              { return unsupported() }
func (r *Recording) Close() error                                                 { return nil }
func (b *Buffer) Device() *Device                                                 { return nil }
func (b *Buffer) Size() uint64                                                    { return 0 }
func (b *Buffer) Address() uint64                                                 { return 0 }
func (b *Buffer) Name() string                                                    { return "" }
func (b *Buffer) Mapped() []byte                                                  { return nil }
func (b *Buffer) Coherent() bool                                                  { return false }
func (b *Buffer) Close() error                                                    { return nil }
func (p *Pipeline) Name() string                                                  { return "" }
func (p *Pipeline) Statistics() ([]Statistic, error)                              { return nil, unsupported() }
func (p *Pipeline) Listings() ([]Listing, error)                                  { return nil, unsupported() }
func (p *Pipeline) Close() error                                                  { return nil }
func (r *Recorder) Dispatch(*Pipeline, []Binding, []byte, uint32, uint32, uint32) {}
func (r *Recorder) Barrier()                                                      {}
func (r *Recorder) Fill(*Buffer, uint64, uint64, uint32)                          {}
func (r *Recorder) Copy(*Buffer, uint64, *Buffer, uint64, uint64)                 {}
func (r *Recorder) Timestamp() int                                                { return 0 }
func (r *Recorder) TimestampsMS([]float64) []float64                              { return nil }
func (r *Recorder) TimestampFault() string                                        { return "" }
func (r *Recorder) Run(context.Context) error                                     { return unsupported() }
func (r *Recorder) Reset()                                                        {}
func (r *Recorder) Err() error                                                    { return unsupported() }
func (r *Recorder) Close() error                                                  { return nil }
