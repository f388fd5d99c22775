using TunnelMesh.Node.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class ProxySettingsTests
{
    private static ProxySettings Read(params (string Name, string Value)[] environment) =>
        ProxySettings.Read(name => environment.FirstOrDefault(e => e.Name == name).Value);

    [Fact]
    public void Without_a_variable_there_is_no_proxy()
    {
        Assert.False(Read().Applies("hub.example.org", 443));
        Assert.False(Read(("HTTPS_PROXY", " "), ("NO_PROXY", "a")).Applies("hub.example.org", 443));
    }

    [Theory]
    [InlineData("http://proxy:3128", "proxy:3128")]
    [InlineData("proxy:3128", "proxy:3128")]
    [InlineData("http://proxy", "proxy:80")]
    [InlineData("http://192.0.2.1:8080/", "192.0.2.1:8080")]
    public void An_address_is_read_with_and_without_its_scheme(string value, string expected)
    {
        ProxySettings settings = Read(("HTTPS_PROXY", value));
        Assert.Equal(expected, settings.ToString());
        Assert.True(settings.Applies("hub.example.org", 8443));
    }

    [Fact]
    public void The_lower_case_wins_and_credentials_are_read_but_not_printed()
    {
        ProxySettings settings = Read(("HTTPS_PROXY", "http://other:1"), ("https_proxy", "http://me%40work:s%3Acret@proxy:3128"));
        Assert.Equal("me@work", settings.Credentials!.UserName);
        Assert.Equal("s:cret", settings.Credentials.Password);
        Assert.Equal("proxy:3128", settings.ToString());
        Assert.DoesNotContain("cret", settings.Proxy!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://user:secret@")]
    [InlineData("https://user:secret@proxy:3128")]
    [InlineData("socks5://user:secret@proxy:3128")]
    [InlineData("http://user:secret@proxy:99999")]
    public void What_cannot_be_used_is_refused_without_showing_it(string value)
    {
        FormatException e = Assert.Throws<FormatException>(() => Read(("https_proxy", value)));
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("localhost", false)]
    [InlineData("hub.example.org", true)]
    [InlineData("inside.example.com", false)]
    [InlineData("Inside.Example.COM.", false)]
    [InlineData("deep.inside.example.com", false)]
    [InlineData("notinside.example.com", true)]
    [InlineData("example.net", true)]
    [InlineData("a.example.net", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("10.2.2.3", true)]
    [InlineData("192.0.2.7", false)]
    [InlineData("2001:db8::7", false)]
    [InlineData("port.example", true)]
    public void Exceptions_are_names_domains_addresses_and_networks(string host, bool proxied) => Assert.Equal(proxied,
        Read(("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", "inside.example.com, .example.net,10.1.0.0/16 192.0.2.7,2001:db8::/32,port.example:443")).Applies(host, 8443));

    [Fact]
    public void An_exception_may_name_a_port_and_a_star_is_everything()
    {
        Assert.False(Read(("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", "port.example:443")).Applies("port.example", 443));
        Assert.False(Read(("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", "192.0.2.1:443")).Applies("192.0.2.1", 443));
        Assert.True(Read(("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", "192.0.2.1:443")).Applies("192.0.2.1", 8443));
        Assert.False(Read(("HTTPS_PROXY", "proxy:1"), ("no_proxy", "*")).Applies("hub.example.org", 443));
        Assert.False(Read(("HTTPS_PROXY", "proxy:1"), ("no_proxy", "*.example.org")).Applies("hub.example.org", 443));
    }
}
