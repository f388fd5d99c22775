using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Control;

/// <summary>Every record that is read from the network or from disk, as another version may write it.</summary>
public sealed class WireRecordsTests
{
    private static readonly NullabilityInfoContext Nullability = new();

    public static TheoryData<Type> Records()
    {
        HashSet<Type> all = [];
        foreach (Type context in new[] { typeof(ControlJson), typeof(PeerStoreJson) })
        {
            foreach (CustomAttributeData attribute in context.GetCustomAttributesData().Where(a => a.AttributeType == typeof(JsonSerializableAttribute)))
            {
                Gather((Type)attribute.ConstructorArguments[0].Value!, all);
            }
        }
        return [.. all.OrderBy(t => t.Name)];
    }

    [Fact]
    public void All_records_are_looked_at() =>
        Assert.Superset(new HashSet<Type>([typeof(MapDevice), typeof(PresenceChange), typeof(MeshInfo), typeof(PeerMembership), typeof(ControlHello)]), Records().Select(r => (Type)r).ToHashSet());

    [Theory]
    [MemberData(nameof(Records))]
    public void What_another_version_leaves_out_is_the_default_and_never_null(Type record)
    {
        JsonTypeInfo info = Info(record);
        object read = JsonSerializer.Deserialize(Required(info).ToJsonString(), info)!;
        foreach (PropertyInfo property in Properties(record).Where(p => Nullability.Create(p).ReadState == NullabilityState.NotNull))
        {
            Assert.True(property.GetValue(read) is not null, $"{record.Name}.{property.Name} is null when it is left out");
        }
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void A_list_with_a_null_in_it_is_damage(Type record)
    {
        JsonTypeInfo info = Info(record);
        foreach (JsonPropertyInfo property in info.Properties.Where(p => IsList(p.PropertyType)))
        {
            JsonObject json = Required(info);
            json[property.Name] = new JsonArray((JsonNode?)null);
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json.ToJsonString(), info));
        }
    }

    [Fact]
    public void A_hello_and_a_delta_may_be_short_and_a_null_in_a_list_makes_no_message()
    {
        ControlHello hello = Assert.IsType<ControlHello>(Decode("""{"type":"control_hello","version":1,"oldest_version":1}"""));
        Assert.Equal(("", "", ""), (hello.Instance, hello.MapEpoch, hello.ProgramVersion));
        MapDelta delta = Assert.IsType<MapDelta>(Decode("""{"type":"delta","epoch":"e","from":1,"number":2}"""));
        Assert.Empty(delta.Upserted);
        Assert.Null(delta.Coordinators);
        Assert.Null(Decode("""{"type":"delta","epoch":"e","from":1,"number":2,"presence":[null]}"""));
    }

    private static object? Decode(string json) => ControlCodec.Decode(Encoding.UTF8.GetBytes(json), out string? _);

    private static JsonTypeInfo Info(Type type) => ControlJson.Default.GetTypeInfo(type) ?? PeerStoreJson.Default.GetTypeInfo(type)!;

    private static IEnumerable<PropertyInfo> Properties(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite);

    private static bool IsList(Type type) => type != typeof(string) && type != typeof(byte[]) && type.IsAssignableTo(typeof(IEnumerable));

    private static void Gather(Type type, HashSet<Type> all)
    {
        if (IsList(type))
        {
            Array.ForEach(type.GetGenericArguments(), t => Gather(t, all));
        }
        else if (type.Namespace?.StartsWith("TunnelMesh", StringComparison.Ordinal) == true && all.Add(type))
        {
            foreach (PropertyInfo property in Properties(type))
            {
                Gather(property.PropertyType, all);
            }
        }
    }

    private static JsonObject Required(JsonTypeInfo info)
    {
        JsonObject json = [];
        foreach (JsonPropertyInfo property in info.Properties.Where(p => p.IsRequired))
        {
            Type type = property.PropertyType;
            json[property.Name] = type == typeof(string) ? "x"
                : type == typeof(byte[]) ? "AAAA"
                : type == typeof(bool) ? true
                : type.IsPrimitive ? 1
                : IsList(type) ? new JsonArray()
                : Required(Info(type));
        }
        return json;
    }
}
