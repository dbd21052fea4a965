defmodule Reader do
  @title Application.compile_env!(:reader, :title)
  @key Application.compile_env!(:reader, :key)
  @commit Application.compile_env!(:reader, :commit)

  def read, do: Enum.join([@title, @key, @commit, Cork.kind()], "|")
end
