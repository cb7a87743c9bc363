package federation

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// crashFolder, in the environment, makes the test a server that claims names in a
// folder, until it is killed.
const crashFolder = "GRAPEVINE_TEST_CLAIMS"

func (s *server) onDisk(t *testing.T, folder string) {
	t.Helper()
	stores, err := OpenStores(folder)
	if err != nil {
		t.Fatal(err)
	}
	s.stores = stores
	s.start(t, newMemNet(1))
}

// Kill -9 at any point loses nothing that was acknowledged.
func TestKilledServerKeepsWhatItGranted(t *testing.T) {
	if folder := os.Getenv(crashFolder); folder != "" {
		claimUntilKilled(t, folder)
		return
	}
	folder := t.TempDir()
	granted := map[string]bool{}
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledServerKeepsWhatItGranted$")
		cmd.Env = append(os.Environ(), crashFolder+"="+folder)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 1 + rng.IntN(100) {
			if !lines.Scan() {
				break
			}
			if name, ok := strings.CutPrefix(lines.Text(), "granted "); ok {
				granted[name] = true
			}
		}
		_ = cmd.Process.Kill()
		for lines.Scan() { // what it had said before it died
			if name, ok := strings.CutPrefix(lines.Text(), "granted "); ok {
				granted[name] = true
			}
		}
		_ = cmd.Wait()
		s := newServer(t, 1)
		s.onDisk(t, folder)
		for name := range granted {
			if h, held := s.Owner(name); !held || h.Owner != owner(t, 1) {
				t.Errorf("round %d: %q is forgotten", round, name)
			}
		}
		s.stop(t)
	}
	if len(granted) < 20 {
		t.Errorf("only %d names were granted", len(granted))
	}
}

func claimUntilKilled(t *testing.T, folder string) {
	s := newServer(t, 1)
	s.onDisk(t, folder)
	first := s.machine.len()
	for i := first; ; i++ {
		c := claimOf(owner(t, 1), fmt.Sprintf("name %d", i), 1)
		c.Term, c.MaxPerOwner, c.MaxNames = keepTerm, 100_000, names.DefaultMaxNames
		if _, err := s.Claim(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("granted %s\n", c.Name)
	}
}
