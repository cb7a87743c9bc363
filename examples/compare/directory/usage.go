package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process uses.
type Usage struct {
	Heap       int64 // live objects, after a collection
	Stacks     int64
	RSS        int64 // after all that is free was given back
	CPU        time.Duration
	Goroutines int
	Conns      int
}

// usage measures this process. It collects garbage first, which takes a while.
func usage() Usage {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Usage{
		Heap: int64(m.HeapAlloc), Stacks: int64(m.StackInuse), RSS: resident(),
		CPU: spent(), Goroutines: runtime.NumGoroutine(),
	}
}

// resident is the memory that the system has given this process; 0 where it does not
// tell.
func resident() int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
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
