.DEFAULT_GOAL := help
.PHONY: help setup build publish package docs test lint fmt bench demo clean

help:
	@echo 'make demo      a mesh of four machines in network namespaces (root); KEEP=1 leaves it running'
	@echo 'make build     bin/tunnelmesh, one native binary'
	@echo 'make test      every test (root, for the system tests)'
	@echo 'make lint      lock files, format, warnings, shell syntax'
	@echo 'make fmt       formats the sources'
	@echo 'make bench     measurements, see docs/benchmarks.md'
	@echo 'make publish   the binaries of a release, into artifacts/release'
	@echo 'make package   publish, and packages of it: .deb, .rpm, a zip file for Windows, a formula for Homebrew'
	@echo 'make docs      writes docs/configuration.md and docs/logs.md anew, from the keys and messages of the program'
	@echo 'make clean     removes what was built'

setup:
	@scripts/setup build run

build:
	@scripts/setup build
	@scripts/build

publish:
	@scripts/setup build publish
	@scripts/publish

package: publish
	@scripts/setup package
	@scripts/package

docs:
	@scripts/setup build
	@scripts/docs

test:
	@scripts/setup build run package
	@scripts/test

lint:
	@scripts/setup
	@scripts/lint

fmt:
	@scripts/setup build
	@dotnet format TunnelMesh.slnx

bench: build
	@scripts/setup run
	@bench/run
	@bench/side-by-side
	@FIGURES='tcp1 tcp1r tcp4' bench/side-by-side tunnelmesh inside6 outside6 two-threads two-lanes no-cipher
	@bench/hundred-peers
	@bench/allocations
	@bench/lossy-link
	@bench/filter
	@bench/names
	@bench/soak
	@dotnet run -c Release --project bench/TunnelMesh.Bench -- handshakes
	@dotnet run -c Release --project bench/TunnelMesh.Bench -- seal
	@dotnet run -c Release --project bench/TunnelMesh.Bench -- offload
	@dotnet run -c Release --project bench/TunnelMesh.Bench -- filter
	@dotnet run -c Release --project bench/TunnelMesh.Bench -- relay
	@dotnet run -c Release --project bench/TunnelMesh.Bench -- dns
	@dotnet run -c Release --project bench/TunnelMesh.Bench -- peer-memory
	@bench/coordinator joins 500 restart 1000 connected 10000

demo: build
	@scripts/setup run
	@KEEP=$(KEEP) scripts/demo

clean:
	rm -rf artifacts bin src/*/bin src/*/obj tests/*/bin tests/*/obj bench/*/bin bench/*/obj
