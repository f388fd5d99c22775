# Made by scripts/package of TunnelMesh.
class Tunnelmesh < Formula
  desc "Peer-to-peer mesh VPN in one binary"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    on_arm do
      url "@URL:osx-arm64@"
      sha256 "@SHA256:osx-arm64@"
    end
    on_intel do
      url "@URL:osx-x64@"
      sha256 "@SHA256:osx-x64@"
    end
  end

  on_linux do
    depends_on "openssl@3"
    on_arm do
      url "@URL:linux-arm64@"
      sha256 "@SHA256:linux-arm64@"
    end
    on_intel do
      url "@URL:linux-x64@"
      sha256 "@SHA256:linux-x64@"
    end
  end

  def install
    bin.install Dir["tunnelmesh-*"].first => "tunnelmesh"
    generate_completions_from_executable(bin/"tunnelmesh", "completion")
    system bin/"tunnelmesh", "man", "--output", man1
  end

  def caveats
    <<~TEXT
      The interface of the mesh is made by root only: sudo tunnelmesh join HOST:PORT
      A service of root has to lie where only root may change it, so copy the program before you make one:
        sudo install -m 755 #{opt_bin}/tunnelmesh /usr/local/bin/tunnelmesh
        sudo /usr/local/bin/tunnelmesh service install
    TEXT
  end

  test do
    assert_equal "tunnelmesh #{version}", shell_output("#{bin}/tunnelmesh version").strip
  end
end
