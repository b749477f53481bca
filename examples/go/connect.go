//go:build !debian12

package main

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// connect opens a connection without TLS; for TLS take credentials.NewTLS of google.golang.org/grpc/credentials.
func connect(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}
