Console.Out.WriteLine("tunnelmesh");
return 0;
