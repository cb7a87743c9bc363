package rendezvous

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestLimitsDocumented: the section of docs/protocol.md has these limits, and no
// others.
func TestLimitsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Rendezvous\n")
	section, _, _ = strings.Cut(section, "\n## ")
	preset := Limits{}.withDefaults()
	limits := map[string]int{
		"MaxNamespace":      MaxNamespace,
		"DefaultTTL":        int(DefaultTTL / time.Second),
		"MaxTTL":            int(MaxTTL / time.Second),
		"MaxResults":        MaxResults,
		"RegistrationsPeer": preset.RegistrationsPeer,
		"RegistrationsAll":  preset.RegistrationsAll,
		"Memory":            preset.Memory,
		"OpenStreams":       preset.OpenStreams,
		"StreamsOfPeer":     preset.StreamsOfPeer,
		"maxRecord":         maxRecord,
		"maxRequest":        maxRequest,
		"maxResponse":       maxResponse,
		"shortAnswer":       shortAnswer,
		"longAnswers":       longAnswers,
		"maxCookie":         maxCookie,
		"quietTimeout":      int(quietTimeout / time.Second),
		"frameTimeout":      int(frameTimeout / time.Second),
	}
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)`.* \\| (\\d+) \\|$").FindAllStringSubmatch(section, -1)
	if len(rows) != len(limits) {
		t.Errorf("docs/protocol.md has %d limits of rendezvous, want %d", len(rows), len(limits))
	}
	for _, row := range rows {
		if want, ok := limits[row[1]]; !ok || row[2] != fmt.Sprint(want) {
			t.Errorf("docs/protocol.md says that %s is %s, want %d", row[1], row[2], want)
		}
	}
}
