package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/words"
)

// Standing tells what the contacts say of a name and a key.
type Standing int

// What a name and key can be to us. The list is append-only.
const (
	Unproved    Standing = iota // the name has no key in the contacts yet
	Known                       // the name has this key
	Conflicting                 // the name has another key: somebody else uses it
)

// contacts keep which key each name had when it was opened first, or was last
// trusted. It is safe for concurrent use.
type contacts struct {
	fsys durable.FS
	file string // "": in memory

	mu   sync.Mutex
	keys map[string]peer.ID // by folded name, or address as typed
}

func openContacts(fsys durable.FS, folder string) (*contacts, error) {
	c := &contacts{fsys: fsys, keys: make(map[string]peer.ID)}
	if folder == "" {
		return c, nil
	}
	c.file = filepath.Join(folder, "contacts.json")
	data, err := durable.ReadFile(fsys, c.file, maxContactsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	err = json.Unmarshal(data, &c.keys)
	if err == nil && c.keys == nil {
		err = errors.New("it holds null")
	}
	if err != nil {
		// Without it a stranger could take a known name unnoticed: a person decides.
		return nil, fmt.Errorf("contacts file %q is damaged; mend it, or remove it to begin anew: %w", c.file, err)
	}
	return c, nil
}

func (c *contacts) standing(name string, id peer.ID) Standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch known, there := c.keys[words.Fold(name)]; {
	case !there || name == "":
		return Unproved
	case known == id:
		return Known
	default:
		return Conflicting
	}
}

// check fails for a name that is known with another key.
func (c *contacts) check(name string, id peer.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, there := c.keys[words.Fold(name)]; there && known != id {
		return &KeyChangedError{Name: name, Known: known, Found: id}
	}
	return nil
}

// known returns the key of a name, "" if it has none.
func (c *contacts) known(name string) peer.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys[words.Fold(name)]
}

// pin keeps a name's key durably, in place of another.
func (c *contacts) pin(name string, id peer.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := words.Fold(name)
	old, there := c.keys[key]
	if old == id {
		return nil
	}
	if !there && len(c.keys) >= maxContacts {
		return fmt.Errorf("keep the key of %q: %w: %d contacts", name, ErrFull, len(c.keys))
	}
	c.keys[key] = id
	err := c.save()
	if err != nil {
		delete(c.keys, key)
		if there {
			c.keys[key] = old
		}
		return fmt.Errorf("keep the key of %q: %w", name, err)
	}
	return nil
}

func (c *contacts) save() error {
	if c.file == "" {
		return nil
	}
	data, err := json.MarshalIndent(c.keys, "", "\t")
	if err != nil {
		return err
	}
	if len(data) >= maxContactsFile { // it could not be read again
		return fmt.Errorf("%w: %d bytes of contacts", ErrFull, len(data))
	}
	return durable.WriteFile(c.fsys, c.file, append(data, '\n'), durable.PrivatePerm)
}
