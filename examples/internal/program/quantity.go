package program

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes: for people with a unit, and as a flag such as 500MB,
// 1.5GiB or 1000000.
type Size int64

// UnmarshalText reads a size of a byte or more.
func (s *Size) UnmarshalText(text []byte) error {
	in := strings.ToLower(strings.TrimSpace(string(text)))
	digits := strings.TrimRight(in, "abcdefghijklmnopqrstuvwxyz ")
	unit := strings.TrimSpace(in[len(digits):])
	factors := map[string]float64{
		"": 1, "b": 1,
		"k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}
	factor, known := factors[unit]
	number, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known || !(number*factor >= 1 && number*factor < math.MaxInt64) {
		return fmt.Errorf("%q is not a size such as 500MB or 10GiB", text)
	}
	*s = Size(number * factor)
	return nil
}

// String writes it with a unit.
func (s Size) String() string {
	value, unit := float64(s), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", int64(s))
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// Count writes a number of things that are called so when there is one.
func Count[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if stem, ok := strings.CutSuffix(what, "ry"); ok {
		return fmt.Sprint(n, " ", stem, "ries")
	}
	return fmt.Sprint(n, " ", what, "s")
}

// Rounded is a time as exact as a person wants to read it.
func Rounded(d time.Duration) time.Duration {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond)
	case d < time.Second:
		return d.Round(time.Millisecond)
	default:
		return d.Round(10 * time.Millisecond)
	}
}
