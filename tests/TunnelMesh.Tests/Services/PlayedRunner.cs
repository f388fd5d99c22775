using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

/// <summary>Notes the programs that it is to run, and answers for those that are asked as it was told to; all others succeed.</summary>
internal sealed class PlayedRunner : IServiceRunner
{
    private readonly Queue<(int Code, string Output)> _answers = [];

    public List<string> Commands { get; } = [];

    public void Answer(int code, string output) => _answers.Enqueue((code, output));

    public void Run(IReadOnlyList<string> command) => Commands.Add(string.Join(' ', command));

    public int Show(IReadOnlyList<string> command)
    {
        Run(command);
        return 0;
    }

    public int Follow(IReadOnlyList<string> command) => Show(command);

    public (int Code, string Output) Ask(IReadOnlyList<string> command)
    {
        Run(command);
        return _answers.Dequeue();
    }
}
