package durable_test

import (
	"encoding/binary"
	"hash/crc32"
)

// soundHeader and futureHeader are a log's headers in format 1 and 2.
func soundHeader() []byte  { return headers(1) }
func futureHeader() []byte { return headers(2) }

func headers(version byte) []byte {
	h := append([]byte("gvlog\x00"), version, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, crc32.MakeTable(crc32.Castagnoli)))
	return append(h, h...)
}
