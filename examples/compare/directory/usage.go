package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process uses.
type Usage struct {
	Heap   int64 // live objects, after a collection
	Gaps   int64 // between them: free, and not to be given back
	Stacks int64
	RSS    int64 // after all that is free was given back: Own and File
	Own    int64 // what nobody but the process holds
	File   int64 // pages of files and shared memory, which are not the process's alone
	CPU    time.Duration

	Goroutines int
	Conns      int
}

// usage measures this process. It collects garbage first, which takes a while.
func usage() Usage {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	own, file := resident()
	return Usage{
		Heap: int64(m.HeapAlloc), Gaps: int64(m.HeapInuse - m.HeapAlloc), Stacks: int64(m.StackInuse),
		RSS: own + file, Own: own, File: file,
		CPU: spent(), Goroutines: runtime.NumGoroutine(),
	}
}

// resident is the memory that the system has given this process: its own, and pages of
// files and shared memory that it has mapped, the program among them. 0 where the system
// does not tell.
func resident() (own, file int64) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(data)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "RssAnon: %d kB", &kib); n == 1 {
			own = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "RssFile: %d kB", &kib); n == 1 {
			file += kib << 10
		}
		if n, _ := fmt.Sscanf(line, "RssShmem: %d kB", &kib); n == 1 {
			file += kib << 10 // what is mapped of a file in memory, as in /dev/shm
		}
	}
	return own, file
}

// spent is the CPU time of this process.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machine says what everything is measured on.
func machine() string {
	cpu := "unknown CPU"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s/%s, load %s before", cpu, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, load())
}

// load is the system's average over one, five and fifteen minutes.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(data))[:3], " ")
}
