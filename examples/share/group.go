package main

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/grapevine-p2p/grapevine/internal/words"
	"github.com/grapevine-p2p/grapevine/p2p"
)

const (
	groupKeySize = 32
	// tokenSize is what is left of a word's keyed hash: two words of a group's folder
	// share one by chance in 2^64 words. In hexadecimal it is a word to others.
	tokenSize = 16
	// sealedSize is that of every listing before sealing, so that its length tells
	// nothing of the name: ID, size, length of the name, name.
	sealedSize = 32 + 8 + 1 + maxName
)

// group is a closed group: those who have its key. What its members say to the overlay
// is a keyed hash or sealed, so that strangers carry it and cannot read it. A nil group
// is everybody: nothing is hidden.
type group struct {
	key  [groupKeySize]byte
	seal cipher.AEAD
}

func newGroup(key [groupKeySize]byte) (*group, error) {
	g := &group{key: key}
	var err error
	g.seal, err = chacha20poly1305.NewX(g.mac("seal"))
	return g, err
}

// mac is a keyed hash of some parts, apart from those for other purposes.
func (g *group) mac(purpose string, parts ...string) []byte {
	h := hmac.New(sha256.New, g.key[:])
	for _, part := range append([]string{"grapevine examples.share/1 " + purpose}, parts...) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// ask returns the words of a query as the group asks for them.
func (g *group) ask(text []string) []string {
	if g == nil {
		return text
	}
	return g.hide(words.Ask(text...))
}

// hide returns what stands for words in the group.
func (g *group) hide(clear []string) []string {
	if g == nil {
		return clear
	}
	hidden := make([]string, len(clear))
	for i, word := range clear {
		hidden[i] = hex.EncodeToString(g.mac("word", word)[:tokenSize])
	}
	return hidden
}

func (g *group) handle(id contentID) handle {
	if g == nil {
		return handle(id)
	}
	return handle(g.mac("content", string(id[:])))
}

// item is how a holder lists a file. In a group it is bound to the holder: a stranger
// who repeats it as his own is not believed.
func (g *group) item(l listing, holder peer.ID) p2p.Item {
	key := g.handle(l.ID).key()
	if g == nil {
		return p2p.Item{Key: key, Name: l.Name, Size: l.Size}
	}
	clear := make([]byte, 0, sealedSize)
	clear = append(clear, l.ID[:]...)
	clear = binary.BigEndian.AppendUint64(clear, uint64(l.Size))
	clear = append(clear, byte(len(l.Name)))
	clear = append(clear, l.Name...)
	nonce := make([]byte, g.seal.NonceSize(), g.seal.NonceSize()+sealedSize+g.seal.Overhead())
	rand.Read(nonce) // never fails
	return p2p.Item{Key: key, Data: g.seal.Seal(nonce, nonce, clear[:sealedSize], sealedFor(key, holder))}
}

func sealedFor(key p2p.Key, holder peer.ID) []byte { return []byte(string(key) + string(holder)) }

var errNoFile = errors.New("not a file of this program")

// listing reads what a hit tells of a file.
func (g *group) listing(hit p2p.Hit) (listing, error) {
	h, ok := handleOf(hit.Item.Key)
	if !ok {
		return listing{}, errNoFile
	}
	l := listing{ID: contentID(h), Name: hit.Item.Name, Size: hit.Item.Size}
	if g != nil {
		var err error
		if l, err = g.open(hit); err != nil {
			return listing{}, err
		}
	}
	if g.handle(l.ID) != h || l.Size < 0 || l.Size > maxFile {
		return listing{}, errNoFile
	}
	return l, nil
}

func (g *group) open(hit p2p.Hit) (l listing, err error) {
	sealed := hit.Item.Data
	if len(sealed) != g.seal.NonceSize()+sealedSize+g.seal.Overhead() {
		return l, errNoFile
	}
	nonce, sealed := sealed[:g.seal.NonceSize()], sealed[g.seal.NonceSize():]
	clear, err := g.seal.Open(nil, nonce, sealed, sealedFor(hit.Item.Key, hit.From.ID))
	if err != nil {
		return l, fmt.Errorf("not sealed by the group: %w", err)
	}
	copy(l.ID[:], clear)
	l.Size = int64(binary.BigEndian.Uint64(clear[32:]))
	l.Name = string(clear[41:][:min(int(clear[40]), maxName)])
	return l, nil
}

// proof shows a holder that the asker is a member. The conn proves both peer IDs and
// hides what it carries, so a hash of the two is enough: it is of use to nobody but this
// asker, at no other holder, and a holder that is a stranger learns nothing by it. So
// no nonce is needed, and the bytes need not be sealed a second time.
func (g *group) proof(holder, asker peer.ID) string {
	if g == nil {
		return ""
	}
	return "group " + hex.EncodeToString(g.mac("fetch", string(holder), string(asker)))
}

// admits tells whether a proof is the asker's.
func (g *group) admits(proof string, holder, asker peer.ID) bool {
	return g == nil || hmac.Equal([]byte(proof), []byte(g.proof(holder, asker)))
}
