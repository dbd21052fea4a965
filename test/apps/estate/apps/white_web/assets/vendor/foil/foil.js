exports.wrap = () => "under foil of white";
