package backup_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// A holder gives space, an owner backs a file up on it and restores it.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "grapevine")
	check(err)
	defer os.RemoveAll(folder)
	loopback := p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0")

	theirs, err := p2p.New(loopback)
	check(err)
	defer theirs.Close()
	holder, err := backup.New(theirs, filepath.Join(folder, "theirs"), backup.WithQuota(1<<30))
	check(err)
	defer holder.Close()

	mine, err := p2p.New(loopback)
	check(err)
	defer mine.Close()
	_, err = mine.Join(ctx, theirs.AddrInfo())
	check(err)
	owner, err := backup.New(mine, filepath.Join(folder, "mine"))
	check(err)
	defer owner.Close()

	letter := filepath.Join(folder, "letter.txt")
	check(os.WriteFile(letter, []byte("Dear all"), 0o600))
	receipt, err := owner.Put(ctx, letter, backup.PutOptions{Replicas: 1})
	check(err)
	fmt.Println(receipt.Name, "is on", len(receipt.Holders), "holder")

	restored, err := owner.Get(ctx, receipt.ID, filepath.Join(folder, "restored"), backup.GetOptions{})
	check(err)
	text, err := os.ReadFile(restored.Path)
	check(err)
	fmt.Println(string(text))
	// Output:
	// letter.txt is on 1 holder
	// Dear all
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
