package program

import (
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for in, want := range map[string]Size{"1": 1, "500MB": 500e6, "1.5GiB": 3 << 29, " 10 kb ": 10_000, "2TiB": 2 << 40} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%q: %d, %v", in, s, err)
		}
	}
	for _, in := range []string{"", "-1", "0", "0.5", "x", "1XB", "1e30", "NaN", "inf", "9999999TB"} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q: %d", in, s)
		}
	}
	for in, want := range map[Size]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 10 << 30: "10.0 GiB"} {
		if in.String() != want {
			t.Errorf("%d: %s", int64(in), in)
		}
	}
}

func TestCount(t *testing.T) {
	for want, got := range map[string]string{
		"0 files": Count(0, "file"), "1 file": Count(1, "file"), "2 files": Count(int64(2), "file"),
		"1 summary": Count(1, "summary"), "3 summaries": Count(3, "summary"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRounded(t *testing.T) {
	for d, want := range map[time.Duration]string{
		123456 * time.Nanosecond: "120µs", 12345 * time.Microsecond: "12ms", 1234567 * time.Microsecond: "1.23s",
	} {
		if got := Rounded(d).String(); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
