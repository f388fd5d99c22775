.PHONY: lint test
lint:
	dotnet restore TunnelMesh.slnx --locked-mode
	dotnet format TunnelMesh.slnx --no-restore --verify-no-changes
	dotnet build TunnelMesh.slnx -c Release --no-restore
test:
	dotnet test --solution TunnelMesh.slnx -c Release
