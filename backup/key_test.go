package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

func TestKeyText(t *testing.T) {
	k := NewKey()
	text := k.Text()
	for _, same := range []string{text, strings.ToUpper(text), " " + text[:30] + "\n  " + text[30:] + "\n"} {
		if got, err := ParseKey(same); err != nil || got != k {
			t.Errorf("%q: %v", same, err)
		}
	}
	for i := len(keyPrefix); i < len(text); i++ {
		wrong := []byte(text)
		wrong[i] = "ab"[b2i(text[i] == 'a')]
		if _, err := ParseKey(string(wrong)); !errors.Is(err, ErrBadKey) {
			t.Errorf("character %d changed: %v", i, err)
		}
	}
	for _, bad := range []string{"", "x", keyPrefix, text[:len(text)-1], text + "a", text[1:]} {
		if _, err := ParseKey(bad); !errors.Is(err, ErrBadKey) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, shown := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k), k.LogValue().String()} {
		if strings.Contains(shown, text[len(keyPrefix):][:10]) || strings.Contains(shown, fmt.Sprint(k.secret[:4])) {
			t.Errorf("the secret is in %q", shown)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What is derived from a key never changes: old backups depend on it.
func TestDerivedKeysAreGolden(t *testing.T) {
	k := Key{[keyLen]byte{1, 2, 3}}
	seal, label, owner := k.sealKey(), k.labelKey(), k.Owner()
	got := fmt.Sprintf("%x %x %x %s", seal[:8], label[:8], owner[:8], k.Text())
	const want = "2f80c49b86675753 e08bd95b383e4dc7 d1ad397182b82ba8 grapevine-backup-1-aebagaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacrp3l"
	if got != want {
		t.Errorf("derived %s, want %s", got, want)
	}
}

func TestKeyFile(t *testing.T) {
	folder := t.TempDir()
	k, err := LoadKey(folder)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := LoadKey(folder); err != nil || again != k {
		t.Errorf("second time: %v", err)
	}
	name := filepath.Join(folder, keyName)
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(folder); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("open to others: %v", err)
	}
	for _, content := range []string{"", "garbage", k.Text()[:40], strings.Repeat("x", 10_000)} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if err := durable.WriteFile(durable.OS{}, name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(folder); err == nil || !strings.Contains(err.Error(), "key file") {
			t.Errorf("%.10q: %v", content, err)
		}
	}
}
