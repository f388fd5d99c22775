namespace TunnelMesh.Tests.DataPlane;

public class TunnelEngineTests
{
    [Fact]
    public void The_first_packet_is_delivered_and_answered()
    {
        var pair = new EnginePair();
        pair.Left.Send(1);
        pair.Run(TimeSpan.FromSeconds(1));
        pair.Right.Send(2);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([1], pair.Right.Got);
        Assert.Equal([2], pair.Left.Got);
    }

    [Fact]
    public void A_key_that_moves_to_another_device_id_is_taken_in_one_change()
    {
        var pair = new EnginePair();
        pair.Left.Engine.SetPeers([pair.Right.Spec with { DeviceId = "renamed" }]);
        Assert.Equal(0, pair.Left.Engine.RefusedPeers);
        pair.Left.Send(1);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([1], pair.Right.Got);
    }
}
