using System.CommandLine;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>completion SHELL</c>: a script by which a shell completes command lines. It asks the program, so it knows what the program knows.</summary>
internal static class CompletionCommand
{
    /// <summary>The verb by which scripts ask; hidden, since nobody types it.</summary>
    public const string Ask = "__complete";

    private const string Bash = """
        # tunnelmesh completion for bash
        _tunnelmesh() {
            local word rest last= begin= count=0
            local -a words
            words=()
            COMPREPLY=()
            # Readline takes words apart at colons and equals signs, and replaces what is behind the last one only.
            for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
                if [[ $count -gt 0 && -n $word && ( $word =~ ^[:=]+$ || $last =~ ^[:=]+$ ) ]]; then
                    begin=${words[count - 1]}
                    if [[ $word =~ ^[:=]+$ ]]; then begin+=$word; fi
                    words[count - 1]+=$word
                else
                    begin=
                    words[count]=$word
                    count=$((count + 1))
                fi
                last=$word
            done
            while IFS=$'\t' read -r word rest; do
                COMPREPLY+=("${word#"$begin"}")
            done < <("${COMP_WORDS[0]}" __complete "$count" "${words[@]}" 2>/dev/null)
        }
        complete -o default -F _tunnelmesh tunnelmesh
        """;

    private const string Zsh = """
        #compdef tunnelmesh
        # tunnelmesh completion for zsh
        _tunnelmesh() {
            local line
            local -a found
            while IFS= read -r line; do
                found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
            done < <("${words[1]}" __complete "$((CURRENT - 1))" "${(@)words[2,CURRENT]}" 2>/dev/null)
            if (( $#found )); then
                _describe tunnelmesh found
            else
                _files
            fi
        }
        if [ "$funcstack[1]" = _tunnelmesh ]; then
            _tunnelmesh "$@"
        else
            compdef _tunnelmesh tunnelmesh
        fi
        """;

    private const string Fish = """
        # tunnelmesh completion for fish
        function __tunnelmesh_complete
            set -l words (commandline -opc)
            set -l program $words[1]
            set -e words[1]
            $program __complete (math (count $words) + 1) $words (commandline -ct) 2>/dev/null
        end
        complete -c tunnelmesh -f -a '(__tunnelmesh_complete)'
        complete -c tunnelmesh -s c -l config -r -F
        complete -c tunnelmesh -l output -r -F
        complete -c tunnelmesh -l log -r -F
        """;

    private const string PowerShell = """
        # tunnelmesh completion for PowerShell
        Register-ArgumentCompleter -Native -CommandName tunnelmesh -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
            $count = $words.Count
            if ($wordToComplete -eq '') { $count++ }
            & $commandAst.CommandElements[0].ToString() __complete $count @words 2>$null | ForEach-Object {
                $word, $text = $_ -split "`t", 2
                if (-not $text) { $text = $word }
                [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $text)
            }
        }
        """;

    private static readonly Dictionary<string, string> Scripts = new() { ["bash"] = Bash, ["zsh"] = Zsh, ["fish"] = Fish, ["powershell"] = PowerShell };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        Argument<string> shell = new("shell") { Description = "bash, zsh, fish or powershell" };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        Command command = new("completion", "Print a script by which a shell completes command lines") { shell };
        command.SetAction(parsed =>
        {
            parsed.InvocationConfiguration.Output.WriteLine(Scripts[parsed.GetValue(shell)!]);
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
