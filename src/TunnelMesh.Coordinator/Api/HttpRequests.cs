using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebSockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace TunnelMesh.Coordinator.Api;

/// <summary>Takes the web server's requests to what serves them, which may turn them into WebSockets. Thread-safe.</summary>
internal sealed class HttpRequests : IHttpApplication<DefaultHttpContext>
{
    private readonly WebSocketMiddleware _first;

    /// <summary>Takes them.</summary>
    /// <param name="serve">Serves a request.</param>
    /// <param name="loggers">Given to the framework.</param>
    public HttpRequests(RequestDelegate serve, ILoggerFactory loggers) => _first = new WebSocketMiddleware(serve, Options.Create(new WebSocketOptions()), loggers);

    /// <inheritdoc/>
    public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

    /// <inheritdoc/>
    public Task ProcessRequestAsync(DefaultHttpContext context) => _first.Invoke(context);

    /// <inheritdoc/>
    public void DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();
}
