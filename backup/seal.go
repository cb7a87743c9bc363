package backup

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

// stanzaType names, in the header of a sealed blob, the way its file key is wrapped.
const stanzaType = "grapevine-owner-1"

// ownerLock wraps age's file keys with the owner's key: nonce and XChaCha20-Poly1305.
type ownerLock struct{ aead cipher.AEAD }

var (
	_ age.Recipient = ownerLock{}
	_ age.Identity  = ownerLock{}
)

func newOwnerLock(k Key) ownerLock {
	key := k.sealKey()
	return ownerLock{newAEAD(key)}
}

func newAEAD(key [32]byte) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	return aead
}

// Wrap implements [age.Recipient].
func (l ownerLock) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: stanzaType, Body: sealBytes(l.aead, fileKey, nil)}}, nil
}

// Unwrap implements [age.Identity].
func (l ownerLock) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != stanzaType {
			continue
		}
		if fileKey, err := openBytes(l.aead, s.Body, nil); err == nil {
			return fileKey, nil
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// seal returns a writer whose output is an age file that only k opens.
func seal(w io.Writer, k Key) (io.WriteCloser, error) {
	return age.Encrypt(w, newOwnerLock(k))
}

// unseal reads what was written through [seal], after checking it.
func unseal(r io.Reader, k Key) (io.Reader, error) {
	plain, err := age.Decrypt(r, newOwnerLock(k))
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	return plain, nil
}

// sealBytes returns a random nonce and the sealed text.
func sealBytes(aead cipher.AEAD, plain, associated []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, plain, associated)
}

func openBytes(aead cipher.AEAD, sealed, associated []byte) ([]byte, error) {
	if len(sealed) < aead.NonceSize() {
		return nil, ErrWrongKey
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], associated)
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}
