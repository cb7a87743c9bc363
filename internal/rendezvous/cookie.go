package rendezvous

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// cookieKey authenticates the cookies of one table.
type cookieKey [32]byte

// A cookie is the sequence number up to which a namespace was told, 8 bytes, and 16
// bytes that only this table can make for it. The table remembers none.
const cookieSize = 8 + 16

func (k *cookieKey) cookie(ns string, seq uint64) []byte {
	c := binary.BigEndian.AppendUint64(make([]byte, 0, 8+sha256.Size), seq)
	mac := hmac.New(sha256.New, k[:])
	mac.Write(c)
	mac.Write([]byte(ns))
	return mac.Sum(c)[:cookieSize]
}

// position reads a cookie. One of another table or namespace is not ok.
func (k *cookieKey) position(ns string, cookie []byte) (seq uint64, ok bool) {
	if len(cookie) != cookieSize {
		return 0, false
	}
	seq = binary.BigEndian.Uint64(cookie)
	return seq, hmac.Equal(cookie, k.cookie(ns, seq))
}
